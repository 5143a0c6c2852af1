"""A change reruns exactly the jobs that depend on it. Nothing is run here: Snakemake is asked."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

LAST = {"report/index", "report/sar", "report/provenance"}
ALWAYS_AFTER = {"measurements", "findings"} | LAST


@pytest.fixture(scope="session")
def stale(smoke, snakemake) -> Callable[..., set[str]]:
    """Outputs of the finished smoke run that the next run would make again, without endings."""

    def ask(*arguments: object) -> set[str]:
        done = snakemake(*smoke.arguments[2:], *arguments, "--summary", cwd=smoke.project)
        assert done.returncode == 0, done.stdout
        lines = done.stdout[done.stdout.index("output_file\t") :].splitlines()
        columns = lines[0].split("\t")
        rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[1:]]
        assert len(rows) > 50
        outputs = (row["output_file"] for row in rows if row["plan"] != "no update")
        return {str(Path(path).with_suffix("")).removeprefix("results/smoke/") for path in outputs}

    return ask


@pytest.fixture(scope="session")
def models(smoke) -> dict[str, str]:
    """Model id by recipe."""
    return {model.split("_")[-1]: model for model in smoke.plan.trainings}


def drawn(smoke, *probes: str) -> set[str]:
    """Artifacts that show one of the probes."""
    return {
        f"{row['kind']}s/{name}"
        for name, row in smoke.plan.artifacts.items()
        if set(row["probes"]) & set(probes)
    }


def measured(models, *probes: str) -> set[str]:
    return {
        f"{kind}/{model}/seed-0/{probe}"
        for kind in ("measurements", "arrays")
        for model in models
        for probe in probes
    }


def no_notebooks(outputs: set[str]) -> set[str]:
    return {path for path in outputs if not path.startswith("notebooks/")}


def test_a_probe(smoke, stale, changed, models):
    file = smoke.project / "src/passband/probes/heatmap.py"
    with changed(file):
        expected = measured(models.values(), "fourier-heatmap") | drawn(smoke, "fourier-heatmap")
        assert no_notebooks(stale()) == expected | ALWAYS_AFTER


def test_an_attack(smoke, stale, changed, models):
    natural, robust = models["sar-natural"], models["sar-pgd-at"]
    file = smoke.project / "src/passband/attacks/pgd.py"
    with changed(file):
        outputs = stale()
    trained = {path.split("/")[1] for path in outputs if path.startswith("models/")}
    assert trained == {robust}
    attacked = {path.split("/")[1] for path in outputs if path.startswith("attacks/")}
    assert attacked == set(models.values())
    assert measured([robust], *smoke.plan.probes) <= outputs
    of_natural = {path for path in outputs if path.startswith(f"arrays/{natural}")}
    assert of_natural == {
        f"arrays/{natural}/seed-0/{probe}"
        for probe, row in smoke.plan.probes.items()
        if "attack" in row
    }
    assert outputs >= ALWAYS_AFTER


def test_drawing(smoke, stale, changed):
    file = smoke.project / "src/passband/figures/curves.py"
    with changed(file):
        outputs = no_notebooks(stale())
    figures = {path for path in outputs if path.startswith(("figures/", "tables/"))}
    assert {"figures/sar.fig2", "figures/sar.fig6"} <= figures
    assert "figures/sar.fig1" not in figures
    assert outputs - figures == LAST


def test_a_notebook(smoke, stale, changed):
    file = smoke.project / "reports/notebooks/heatmap_grid.py"
    with changed(file):
        assert no_notebooks(stale()) == {"figures/sar.fig7"} | LAST


def test_a_script(smoke, stale, changed):
    file = smoke.project / "workflow/scripts/judge_findings.py"
    with changed(file):
        assert stale() == {"findings"} | LAST


def test_a_score_that_findings_use(smoke, stale, changed):
    file = smoke.project / "src/passband/findings/scores/heatmap.py"
    with changed(file):
        assert stale() == {"findings"} | LAST


def test_the_option_of_a_figure(smoke, stale, changed):
    file = smoke.project / "config/artifacts.yaml"
    with changed(file, "images: [9, 13]", old="images: [8, 12]"):
        assert no_notebooks(stale()) == {"figures/sar.fig5"} | LAST


def test_the_length_of_one_training(smoke, stale, models, overlay):
    robust = models["sar-pgd-at"]
    longer = overlay({"recipes": {"sar-pgd-at": {"epochs": 3}}})
    outputs = stale(longer)
    of_others = [path for path in outputs if path.split("/")[1:2] in [[m] for m in models.values()]]
    assert {path.split("/")[1] for path in of_others} == {robust}
    assert measured([robust], *smoke.plan.probes) <= outputs


def test_a_fresh_checkout_of_the_same_sources(smoke, stale):
    files = [
        path
        for folder in ("src", "workflow", "config", "reports")
        for path in (smoke.project / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    before = {path: path.stat() for path in files}
    for path in files:
        path.touch()
    try:
        assert stale() == set()
    finally:
        for path, times in before.items():
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
