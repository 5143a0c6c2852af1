"""Every rule once, on real images: what a run of a scale leaves behind."""

import json
import sys
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from passband.dependencies import PACKAGE, TYPES, code
from passband.files import read_arrays

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "report"))

from report_checks import check_pages

MEASUREMENTS = [
    "dataset", "architecture", "method", "model", "seed", "probe", "condition", "metric", "value",
    "n_images", "unit",
]  # fmt: skip
FINDINGS = [
    "finding", "artifact", "claim", "theme", "verdict", "effect", "ci_low", "ci_high", "threshold",
    "direction", "threshold_from", "n", "sample", "unit", "printed", "shares", "reason",
]  # fmt: skip
VERDICTS = {"reproduced", "contradicted", "inconclusive", "not testable here", "not run"}
CURVES = ["epoch", "recorder", "split", "condition", "metric", "value", "n_images"]
RUN = {
    "model", "dataset", "architecture", "recipe", "method", "seed", "parameters", "dataset_sha256",
    "device", "precision", "threads", "torch", "python", "passband", "commit", "seconds",
    "images_per_second", "epochs", "selected_epoch", "resumed", "started", "finished",
}  # fmt: skip

# Registries import all of their package.
SEARCHED = (
    *("models", "attacks", "probes", "spectra/filters", "figures"),
    *("training/parts", "training/recorders", "data/corruptions"),
)


def artifacts(smoke, kind: str) -> list[str]:
    return [name for name, row in smoke.plan.artifacts.items() if row["kind"] == kind]


def test_the_user_is_told_the_cost_before_and_the_report_after(smoke):
    config = yaml.safe_load((smoke.project / "config/scales/smoke.yaml").read_text())
    begun = smoke.output.index(f"{config['title']}: {config['expected']} for a full run.")
    assert begun < smoke.output.index("1 of ")
    assert "Done. Open results/smoke/report/index.html in a browser." in smoke.output
    assert "Traceback" not in smoke.output and "Warning" not in smoke.output


def test_every_figure_is_drawn_in_three_formats(smoke):
    for name in artifacts(smoke, "figure"):
        svg, pdf, png = (
            smoke.results / f"figures/{name}.{ending}" for ending in ("svg", "pdf", "png")
        )
        tree = ET.parse(svg).getroot()
        # No image follows its high component here, and an algorithm is nothing but lines of text.
        least = 30 if name in ("hfc.fig2", "jafr.alg1") else 50
        assert tree.tag.endswith("svg") and len(list(tree.iter())) > least, name
        assert pdf.read_bytes().startswith(b"%PDF") and pdf.stat().st_size > 5000, name
        with Image.open(png, formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("L"))
        assert min(pixels.shape) > 200 and pixels.std() > 5, f"{name} is blank"


def test_every_figure_says_that_it_is_of_the_smoke_scale(smoke):
    for name in artifacts(smoke, "figure"):
        assert "smoke scale" in (smoke.results / f"figures/{name}.svg").read_text(), name


def test_every_table_is_written_in_three_formats(smoke):
    for name in artifacts(smoke, "table"):
        folder = smoke.results / "tables"
        table = pd.read_csv(folder / f"{name}.csv")
        assert len(table) >= 3 and not table.dropna(axis=1, how="all").empty, name
        assert "<table" in (folder / f"{name}.html").read_text(encoding="utf-8")
        assert "\\begin{tabular" in (folder / f"{name}.tex").read_text(encoding="utf-8")


def test_every_artifact_keeps_its_executed_notebook(smoke):
    for name in smoke.plan.artifacts:
        notebook = json.loads((smoke.results / f"notebooks/{name}.ipynb").read_text())
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in cells if cell["source"]), name
        outputs = [output for cell in cells for output in cell["outputs"]]
        assert outputs and not any(output["output_type"] == "error" for output in outputs), name
        assert "language_info" in notebook["metadata"], name
    assert not list(smoke.results.rglob("*.failed.ipynb"))


def test_measurements_are_complete(smoke):
    table = pd.read_csv(smoke.results / "measurements.csv", keep_default_na=False)
    assert list(table.columns) == MEASUREMENTS
    assert not (table.drop(columns=["condition", "unit"]) == "").any().any()
    assert np.isfinite(table.value.astype(float)).all()
    of_kernels = table.probe.isin(["first-kernels", "second-kernels"])
    assert ((table.n_images > 0) != of_kernels).all()
    of_training = table.probe == "training-images"
    assert (table.n_images[~of_training] <= 120).all()
    assert (table.n_images[of_training] == 200).all()
    accuracy = table[table.metric == "accuracy"]
    assert accuracy.value.between(0, 100).all() and (accuracy.unit == "percent").all()
    assert not table.duplicated(["model", "seed", "probe", "condition", "metric"]).any()
    expected = {
        (smoke.plan.models[slug]["model"], probe)
        for row in smoke.plan.artifacts.values()
        for slug in row["models"]
        for name in row["probes"]
        for probe in (name, smoke.plan.probes.get(name, {}).get("attack", {}).get("name"))
        if probe
    }
    assert set(zip(table.model, table.probe, strict=True)) == expected
    parts = sorted((smoke.results / "measurements").rglob("*.csv"))
    assert len(table) == sum(len(pd.read_csv(part)) for part in parts)


def test_measurements_agree_with_the_arrays_of_single_images(smoke):
    table = pd.read_csv(smoke.results / "measurements.csv")
    for model, rows in table[table.probe == "pgd-20"].groupby("model"):
        arrays = read_arrays(smoke.results / f"arrays/{model}/seed-0/pgd-20.safetensors")
        value = rows.set_index("condition").value
        assert value["attack=none"] == pytest.approx(100 * arrays["correct_clean"].mean(), 1e-4)
        attacked = value[value.index.str.startswith("attack=pgd-20;")].item()
        assert attacked == pytest.approx(100 * arrays["correct"].mean(), 1e-4)


def test_every_claim_about_these_artifacts_has_a_verdict(smoke):
    table = pd.read_csv(smoke.results / "findings.csv")
    assert list(table.columns) == FINDINGS
    assert sorted(table.finding) == sorted(claim["id"] for claim in smoke.plan.findings)
    assert set(table.verdict) <= VERDICTS
    judged = table[table.verdict != "not run"]
    assert len(judged) > len(table) / 2
    assert np.isfinite(judged.effect).all()
    with_interval = judged[judged.n > 1]
    numbers = with_interval[["effect", "ci_low", "ci_high", "n"]].astype(float)
    assert np.isfinite(numbers).all().all()
    assert (numbers.ci_low <= numbers.effect).all() and (numbers.effect <= numbers.ci_high).all()
    assert (table.reason.str.len() > 20).all()


def test_every_training_tells_its_history(smoke):
    for model, training in smoke.trainings.items():
        folder = smoke.results / f"models/{model}/seed-0"
        told = json.loads((folder / "run.json").read_text())
        assert told.keys() >= RUN
        assert told["recipe"] == training["recipe"] and told["resumed"] == 0
        assert told["origin"] == "trained"
        assert told["shared_prefix"] == training["shared_prefix"]
        assert bool(told["shared_prefix_seconds"]) == (training["shared_prefix"] is not None)
        history = pd.read_csv(folder / "history.csv")
        assert list(history.epoch) == list(range(1, training["recipe"]["epochs"] + 1))
        assert history.selected.sum() == 1
        assert history.epoch[history.selected.idxmax()] == told["selected_epoch"]
        curves = folder / "curves.csv"
        assert curves.exists() == bool(training["recipe"]["recorders"])
        if curves.exists():
            recorded = pd.read_csv(curves)
            assert list(recorded.columns) == CURVES
            assert set(recorded.epoch) == set(history.epoch)
            assert set(recorded.recorder) == set(training["recipe"]["recorders"])
    for prefix in smoke.plan.shared_prefixes:
        file = smoke.results / f"shared_prefixes/{prefix}/seed-0.safetensors"
        assert file.stat().st_size > 10_000
    leftovers = [path for path in (smoke.results / "checkpoints").rglob("*") if path.is_file()]
    assert not leftovers, "checkpoints are removed when a training ends"


def test_nothing_unfinished_is_left(smoke):
    assert not list(smoke.results.rglob("*.part"))
    assert not list((smoke.project / "data").rglob("*.part"))


def test_the_report_is_sound(smoke):
    check_pages(smoke.results / "report")
    page = (smoke.results / "report/index.html").read_text(encoding="utf-8")
    assert "Smoke scale" in page
    for name, row in smoke.plan.artifacts.items():
        page = smoke.results / f"report/{row['paper']}.html"
        assert name in page.read_text(encoding="utf-8")


def test_a_second_run_does_nothing(smoke, snakemake):
    before = {path: path.stat().st_mtime_ns for path in smoke.results.rglob("*")}
    done = snakemake(*smoke.arguments, cwd=smoke.project)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout
    after = {path: path.stat().st_mtime_ns for path in smoke.results.rglob("*")}
    assert {path for path in before if before[path] != after.get(path)} <= {smoke.results}


def test_the_report_of_snakemake(smoke, snakemake, tmp_path):
    file = tmp_path / "report.zip"
    done = snakemake(*smoke.arguments[2:], "--report", file, cwd=smoke.project)
    assert done.returncode == 0, done.stdout[-4000:]
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        page = next(name for name in names if name.endswith("report.html"))
        text = archive.read(page).decode()
    for name in smoke.plan.artifacts:
        assert name in text
    for category in ("Figures", "Tables", "Findings", "Report"):
        assert category in text
    assert any(name.endswith("sar.fig7.svg") for name in names)


def test_smoke_and_demo_share_prepared_data_only(smoke, snakemake):
    done = snakemake("--summary", cwd=smoke.project)
    assert done.returncode == 0, done.stdout
    lines = done.stdout[done.stdout.index("output_file\t") :].splitlines()[1:]
    outputs = {line.split("\t")[0] for line in lines}
    results = {path for path in outputs if not path.startswith("data/")}
    assert results and all(path.startswith("results/demo/") for path in results)


def test_jobs_load_no_module_that_they_do_not_depend_on(smoke, snakemake):
    """A module that a job uses without having it as input would leave stale results."""
    done = snakemake(*smoke.arguments[2:], "--detailed-summary", cwd=smoke.project)
    lines = done.stdout[done.stdout.index("output_file\t") :].splitlines()
    columns = lines[0].split("\t")
    rows = [dict(zip(columns, line.split("\t"), strict=False)) for line in lines[1:]]
    scripts = {
        "prepare_dataset": ["prepare_dataset"],
        "corrupt_images": ["corrupt_images"],
        "train_shared_prefix": ["train_shared_prefix"],
        "train_model": ["train_model", "train_recorded_model"],
        "attack_model": ["attack_model", "attack_and_store"],
        "probe_model": ["probe_model"],
        "judge_findings": ["judge_findings"],
        "build_report": ["build_report"],
        "collect_measurements": ["collect_measurements"],
        "render_artifact": ["draw_figure", "make_table"],
    }
    searched = [file for folder in SEARCHED for file in (PACKAGE / folder).glob("*.py")]
    by_search = {str(Path(file).relative_to(PACKAGE)) for file in code(*searched)}
    for script, rules in scripts.items():
        told = [one for one in smoke.loaded if script in " ".join(one["argv"])]
        assert told, f"no process ran {script}"
        inputs = [row["input-file(s)"].split(",") for row in rows if row["rule"] in rules]
        shared = set(inputs[0]).intersection(*inputs[1:])
        common = {str(smoke.project / path) for path in shared}
        loaded = {file for one in told for file in one["files"]} - common
        undeclared = {file.partition("/src/passband/")[2] for file in loaded} - by_search
        undeclared -= {TYPES.name}  # types of config values change no result
        assert not undeclared, f"{script} depends on modules that are no inputs"
