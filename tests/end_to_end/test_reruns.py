"""A change reruns exactly the jobs that depend on it. Nothing is run here: Snakemake is asked."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

PAGES = ("index", "fourier_study", "hfc", "jafr", "sar", "provenance", "sources")
LAST = {f"report/{page}" for page in PAGES}
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
    """Model id by recipe; of a recipe for several networks, the last."""
    return {model.split("_")[-1]: model for model in smoke.trainings}


def drawn(smoke, *probes: str) -> set[str]:
    """Artifacts that show one of the probes."""
    return {
        f"{row['kind']}s/{name}"
        for name, row in smoke.plan.artifacts.items()
        if set(row["probes"]) & set(probes)
    }


def measured(smoke, models, *probes: str) -> set[str]:
    """Measurements of the models that artifacts want: by these probes, or by all."""
    wanted = {
        (smoke.plan.models[slug]["model"], probe)
        for row in smoke.plan.artifacts.values()
        for slug in row["models"]
        for probe in row["probes"]
    }
    return {
        f"{kind}/{model}/seed-0/{probe}"
        for kind in ("measurements", "arrays")
        for model, probe in wanted
        if model in models and (not probes or probe in probes)
    }


def trained(outputs: set[str]) -> set[str]:
    """Recipes of the models among the outputs; those of derived models are their origins'."""
    names = {path.split("/")[1] for path in outputs if path.startswith("models/")}
    return {name.partition("--")[0].split("_")[-1] for name in names}


def prefixes(outputs: set[str]) -> set[str]:
    """Recipes that give their names to the shared prefixes among the outputs."""
    paths = (path for path in outputs if path.startswith("shared_prefixes/"))
    return {path.split("/")[1].split("_")[-1] for path in paths}


def no_notebooks(outputs: set[str]) -> set[str]:
    return {path for path in outputs if not path.startswith("notebooks/")}


def test_a_probe(smoke, stale, changed, models):
    file = smoke.project / "src/passband/probes/heatmap.py"
    with changed(file):
        expected = measured(smoke, models.values(), "fourier-heatmap")
        expected |= drawn(smoke, "fourier-heatmap")
        assert no_notebooks(stale()) == expected | ALWAYS_AFTER


def test_an_attack(smoke, stale, changed, models):
    natural = models["sar-natural"]
    robust = {
        name
        for name, model in models.items()
        if "adversary" in smoke.plan.trainings[model]["recipe"]["parts"]
    }
    assert len(robust) > 20
    file = smoke.project / "src/passband/attacks/pgd.py"
    with changed(file):
        outputs = stale()
    assert trained(outputs) == robust
    assert prefixes(outputs) == {name.split("_")[-1] for name in smoke.plan.shared_prefixes}
    stored = {path.split("/")[1] for path in outputs if path.startswith("attacks/")}
    assert {natural, models["sar-pgd-at"]} <= stored < set(smoke.plan.trainings)
    assert measured(smoke, [models[name] for name in robust]) <= outputs
    of_natural = {path for path in outputs if path.startswith(f"arrays/{natural}")}
    wanted = {path for path in measured(smoke, [natural]) if path.startswith("arrays/")}
    assert of_natural == {
        path
        for path in wanted
        if path.endswith("/pgd-20") or "attack" in smoke.plan.probes[path.split("/")[-1]]
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
    file = smoke.project / "config/papers/sar/artifacts.yaml"
    with changed(file, "images: [9, 13]", old="images: [8, 12]"):
        assert no_notebooks(stale()) == {"figures/sar.fig5"} | LAST


def test_an_attack_of_one_probe(smoke, stale, changed, models):
    """Square is run by AutoAttack's probe alone: no training, no other measurement."""
    file = smoke.project / "src/passband/attacks/square.py"
    with changed(file):
        expected = measured(smoke, models.values(), "autoattack") | drawn(smoke, "autoattack")
        assert no_notebooks(stale()) == expected | ALWAYS_AFTER


def test_the_length_of_one_training(smoke, stale, models, overlay):
    natural = models["sar-natural"]
    longer = overlay({"recipes": {"sar-natural": {"epochs": 3}}})
    outputs = stale(longer)
    assert of_models(outputs, models) == {natural}
    assert measured(smoke, [natural]) <= outputs


def of_models(outputs: set[str], models: dict[str, str]) -> set[str]:
    """The models that the outputs belong to."""
    return {path.split("/")[1] for path in outputs if "/" in path} & set(models.values())


def test_the_coefficient_of_sar(smoke, stale, models, overlay):
    """It starts after the fork: neither shared prefix nor plain adversarial training is rerun."""
    aligned = models["sar-pgd-at-sar"]
    stronger = {"spectral_alignment": {"coefficient": 0.3}}
    outputs = stale(overlay({"recipes": {"sar-pgd-at-sar": stronger}}))
    assert trained(outputs) == {"sar-pgd-at-sar"} and prefixes(outputs) == set()
    assert of_models(outputs, models) == {aligned}
    assert measured(smoke, [aligned]) <= outputs


def test_what_forks_have_in_common(smoke, stale, models, overlay):
    """Another batch size of TRADES trains the shared prefix and all three that begin with it."""
    family = {"sar-trades", "sar-trades-sar", "sar-trades-sarwa"}
    outputs = stale(overlay({"recipes": {one: {"batch_size": 40} for one in family}}))
    assert prefixes(outputs) == {"sar-trades"} and trained(outputs) == family
    assert of_models(outputs, models) == {models[name] for name in family}


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


def test_a_part_of_a_recipe(smoke, stale, changed):
    """Editing one part's file trains the models that use it, and no other."""
    file = smoke.project / "src/passband/training/parts/trades.py"
    with changed(file):
        outputs = stale()
    family = {
        model.split("_")[-1]
        for model, row in smoke.plan.trainings.items()
        if "trades" in row["recipe"]["parts"]
    }
    assert len(family) == 3 and trained(outputs) == family
    assert prefixes(outputs) == {"sar-trades"}


def test_a_filter(smoke, stale, changed, models):
    """The square filters are used by the L-model, by some probes and by one drawing."""
    file = smoke.project / "src/passband/spectra/filters/square.py"
    with changed(file):
        outputs = stale()
    assert trained(outputs) == {"sar-l-model"} and prefixes(outputs) == set()
    assert "figures/sar.fig1" in outputs
    kinds = {path.split("/")[-1] for path in outputs if path.startswith("arrays/")}
    of_others = {
        path.split("/")[-1]
        for path in outputs
        if path.startswith("arrays/") and models["sar-l-model"] not in path
    }
    assert of_others == {"lowpass", "pgd-20-bands", "examples", "filtered-attacks"} & kinds


@pytest.mark.parametrize("key", ["title", "expected"])
def test_what_a_scale_says_of_itself_redraws_nothing(stale, overlay, key):
    assert stale(overlay({key: "Another text"})) == LAST


def test_an_attack_constant(smoke, stale, changed, models):
    """It reaches what is measured with the attack, and no training that has a substitute."""
    file = smoke.project / "config/attacks.yaml"
    with changed(file, "steps: 51", old="steps: 50"):
        outputs = stale()
    assert trained(outputs) == set()
    measured_with = {path.split("/")[-1] for path in outputs if path.startswith("arrays/")}
    assert measured_with == {"stronger-attacks"}


def test_a_probe_that_measures_on_another_split(smoke, stale, models, overlay):
    outputs = stale(overlay({"probes": {"lowpass": {"split": "train"}}}))
    expected = measured(smoke, models.values(), "lowpass") | drawn(smoke, "lowpass")
    assert no_notebooks(outputs) == expected | ALWAYS_AFTER
