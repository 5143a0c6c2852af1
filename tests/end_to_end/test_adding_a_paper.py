"""Adding a paper is adding a folder: it is planned, drawn, judged and reported."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

FOLDER = {
    "paper.yaml": """
title: An Invented Study of Mirrored Images
authors: A. Nobody
year: 2026
short: Mirrored images
networks: [resnet18]
methods:
  Mirrored: {word: mirrored, label: Mirrored, colour: orange}
printed:
  datasets: {CIFAR10: CIFAR-10}
holds:
  fig1: {kind: plot, claims: 1, title: Accuracy of low-pass images}
  table1: {kind: table, claims: 0, title: Accuracy of low-pass images}
""",
    "models.yaml": """
recipes:
  invented-mirrored:
    method: Mirrored
    epochs: 3
    batch_size: 50
    optimizer:
      {kind: adam, learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0}
    schedule: {kind: constant}
    augmentation: {pad: 0, flip: true}
    recorders:
      test-accuracy: {recorder: accuracy, split: test, images: 50, filters: [lowpass-4-8]}
    validation: {fraction: 0}
    select: last
transforms:
  invented-smooth: {method: Smoothed, transform: smooth_first_convolution, rho: 0.5}
models:
  invented-c10: {dataset: cifar10, architecture: resnet18, recipe: invented-mirrored}
  invented-c10-smooth: {of: invented-c10, transform: invented-smooth}
""",
    "artifacts.yaml": """
artifacts:
  invented.fig1:
    kind: figure
    title: Accuracy of low-pass images
    notebook: lowpass_curves
    models: &both [invented-c10, invented-c10-smooth]
    options: {filtered: lowpass, attacked: pgd-20, attack_title: PGD-20, printed: table1}
    saw: Mirrored images help.
  invented.table1:
    kind: table
    title: Accuracy of low-pass images
    notebook: lowpass_table
    models: *both
    options:
      filtered: lowpass
      columns:
        - {name: PGD-20, measured: pgd-20, attack: pgd-20}
      printed: table1
    saw: Mirrored images help.
""",
    "findings.yaml": """
preconditions:
  trained:
    holds: lowpass(mirrored, 1) > 0
    says: the mirrored model's clean accuracy is {effect}
findings:
  - id: invented.fig1.a
    theme: what-robust-networks-look-at
    needs: [trained]
    thresholds: ours
    claim: Mirrored models need high frequencies.
    printed: consistent
    printed_note: "25.0 points."
    test: contrasts
    definition: At five eighths of the bandwidth the model loses accuracy.
    parameters:
      clauses:
        - holds: lowpass(mirrored, 1) - lowpass(mirrored, 5/8) > 0
          says: at bandwidth {5/8} the mirrored model loses {effect}
        - holds: abs(lowpass(mirrored, 1) - lowpass('Smoothed', 1)) < 100
          says: smoothing changes its accuracy by {effect}
    transfers: true
    datasets: [cifar10]
""",
    "printed/table1.csv": """
paper,table,dataset,model,method,condition,metric,value,std,unit
invented,Table 1,CIFAR10,ResNet-18,Mirrored,lpf=16,clean,50.0,,percent
invented,Table 1,CIFAR10,ResNet-18,Mirrored,lpf=20,clean,65.0,,percent
invented,Table 1,CIFAR10,ResNet-18,Mirrored,lpf=32,clean,90.0,,percent
""",
}
MODEL = "fashion-mnist-sample_resnet8_w8_invented-mirrored"


@pytest.fixture(scope="module")
def with_paper(smoke, snakemake, tmp_path_factory) -> tuple[Path, str]:
    """The finished smoke run in a copy of the project to which the folder was added; then the
    same command again."""
    project = tmp_path_factory.mktemp("paper") / "project"
    shutil.copytree(smoke.project, project, copy_function=shutil.copy2)
    for name, text in FOLDER.items():
        path = project / "config/papers/invented" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip(), encoding="utf-8")
    done = snakemake(*smoke.arguments, cwd=project)
    assert done.returncode == 0, done.stdout[-6000:]
    return project / "results/smoke", done.stdout


def test_only_the_new_paper_is_made(with_paper, job_counts):
    counts = job_counts(with_paper[1])
    made = {"train_recorded_model": 1, "derive_model": 1, "attack_model": 2, "probe_model": 2}
    drawn = {"draw_figure": 1, "make_table": 1}
    after = {"collect_measurements": 1, "judge_findings": 1, "build_report": 1, "all": 1}
    jobs = made | drawn | after
    assert counts == jobs | {"total": sum(jobs.values())}


def test_its_models_are_trained_and_derived(with_paper):
    trained, derived = (
        json.loads((with_paper[0] / f"models/{name}/seed-0/run.json").read_text())
        for name in (MODEL, f"{MODEL}--invented-smooth")
    )
    assert trained["origin"] == "trained" and trained["recipe"]["optimizer"]["kind"] == "adam"
    assert derived["origin"] == "derived" and derived["of"] == MODEL
    assert derived["parameters"] == trained["parameters"]
    curves = pd.read_csv(with_paper[0] / f"models/{MODEL}/seed-0/curves.csv")
    assert set(curves.split) == {"test"} and len(curves) == 2 * trained["epochs"]


def test_its_artifacts_stand_beside_the_printed_numbers(with_paper):
    table = pd.read_csv(with_paper[0] / "tables/invented.table1.csv")
    printed = table.dropna(subset="paper_value").set_index("bandwidth")["paper_value"]
    assert printed.to_dict() == {16: 50.0, 20: 65.0, 32: 90.0}
    assert set(table.method) == {"Mirrored", "Smoothed"}
    assert "Mirrored" in (with_paper[0] / "figures/invented.fig1.svg").read_text()


def test_its_finding_is_judged(with_paper):
    findings = pd.read_csv(with_paper[0] / "findings.csv").set_index("finding")
    mine = findings.loc["invented.fig1.a"]
    assert mine.artifact == "invented.fig1" and mine.verdict != "not run"
    assert "the mirrored model loses" in mine.reason


def test_it_has_a_page_in_the_report(with_paper):
    page = (with_paper[0] / "report/invented.html").read_text(encoding="utf-8")
    assert "An Invented Study of Mirrored Images" in page and "invented.fig1" in page
    index = (with_paper[0] / "report/index.html").read_text(encoding="utf-8")
    assert "invented.html" in index and "Mirrored models need high frequencies." in index
