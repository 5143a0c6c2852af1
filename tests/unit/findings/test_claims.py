"""Claims on measurements made up so that they are true, false, borderline or missing."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from invented_measurements import NETWORKS, N, defences, world
from shipped import (
    BY_ID,
    FINDINGS,
    FOLDERS,
    LANGUAGES,
    PAPERS,
    ROOT,
    printed_verdict,
    read,
    verdict,
    verdicts,
)

from passband.files import write_arrays
from passband.findings.contrast import parse
from passband.findings.measured import artifact_of
from passband.findings.scores import SCORES

SAR = [finding for finding in FINDINGS if finding["id"].startswith("sar.")]
COLUMNS = [
    "finding", "artifact", "claim", "theme", "verdict", "effect", "ci_low", "ci_high", "threshold",
    "direction", "threshold_from", "n", "sample", "unit", "printed", "shares", "reason",
]  # fmt: skip


@pytest.fixture(scope="module")
def paper_world(tmp_path_factory):
    """All three data sets, as the paper saw them."""
    tiny = {
        ("lowpass", "PGD-AT"): [10, 25, 45, 60, 79.5, 80, 81, 82],
        ("high_part", "natural"): [94, 93, 92, 90, 60, 30, 9, 1, 0],
        ("errors", "natural"): (0.6, 0.1),
        ("low_energy", "natural"): 0.4, ("low_energy", "L-model"): 0.65,
        ("low_energy", "PGD-AT"): 0.9,
    }  # fmt: skip
    tiny["lowpass", "L-model"] = [5, 20, 60, 90.5, 91, 91, 91, 91]
    tiny["lowpass", "natural"] = [3, 8, 15, 30, 50, 70, 80, 90]
    hundred = {("high_part", "natural"): [94, 93, 90, 80, 55, 30, 9, 1, 0]}
    tiny["low_part", "PGD-AT"] = [82, 75, 70, 66, 62, 58, 56, 53, 52]
    datasets = ["cifar10", "cifar100", "tiny-imagenet"]
    change = {"tiny-imagenet": tiny, "cifar100": hundred}
    return [
        *world(tmp_path_factory.mktemp("sections_iv"), datasets, change),
        *defences(tmp_path_factory.mktemp("section_vi"), datasets),
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_row_fits_the_schema(folder):
    schema = read(ROOT / "workflow/schemas/findings.schema.yaml")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read(folder / "findings.yaml"), schema)


def test_every_claim_of_a_judged_artifact_is_a_finding():
    counts = Counter(map(artifact_of, FINDINGS))
    assert len(BY_ID) == len(FINDINGS)
    for artifact, count in counts.items():
        paper, name = artifact.split(".")
        assert count == PAPERS[paper]["holds"][name]["claims"], artifact


def test_judging_needs_no_torch():
    check = "import sys, passband.findings.judging; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize("finding", FINDINGS, ids=BY_ID)
def test_printed_follows_from_the_papers_numbers(finding):
    without_own = artifact_of(finding).startswith("sar.fig")
    tables = ["table1"] if without_own else []
    assert printed_verdict(finding, *tables) == finding["printed"]


def test_a_claim_against_the_papers_numbers_is_contradicted():
    clauses = [{"holds": "pgd20(robust) < 1", "says": "{effect}"}]
    finding = {**BY_ID["sar.table1.d"], "parameters": {"clauses": clauses}}
    assert printed_verdict(finding) == "contradicted"


@pytest.mark.parametrize("finding", SAR, ids=[finding["id"] for finding in SAR])
def test_the_papers_world_reproduces_the_paper(finding, paper_world):
    row = verdict(finding, paper_world)
    assert row.verdict == "reproduced", row.reason
    assert row.n == N and row.ci_low <= row.effect <= row.ci_high
    assert "{" not in row.reason and row.reason.endswith("One training run per model.")


def test_columns_and_a_reason(paper_world):
    table = verdicts(FINDINGS, paper_world)
    assert list(table.columns) == COLUMNS and len(table) == len(FINDINGS)
    reason = table.set_index("finding").loc["sar.table1.a", "reason"]
    assert reason.startswith("On CIFAR10, at bandwidth 20 the robust model loses 1.0 points (97.5")
    assert "On CIFAR100, at bandwidth 20" in reason and "claim: less than 2 points" in reason
    assert table.set_index("finding").loc["sar.table1.c", "reason"].count("bandwidth 32 to 64") == 1


CHANGES = [
    ("sar.table1.a", {("lowpass", "PGD-AT"): [30, 58, 73, 76, 76, 78, 80, 82]}, "contradicted"),
    ("sar.table1.a", {("lowpass", "natural"): [12, 18, 27, 47, 89, 91, 92, 94]}, "inconclusive"),
    ("sar.table1.c", {("lowpass", "L-model"): [18, 45, 70, 80, 85, 88, 90, 92]}, "contradicted"),
    ("sar.table1.c", {("lowpass", "L-model"): [18, 45, 70, 80, 75, 75, 70, 70]}, "reproduced"),
    ("sar.table1.c", {("lowpass", "L-model"): [18, 45, 70, 90, 90, 90, 92, 92]}, "inconclusive"),
    ("sar.table1.d", {("attacked", "L-model"): 30}, "contradicted"),
    ("sar.table1.d", {("attacked", "L-model"): 5.2}, "inconclusive"),
    ("sar.table1.d", {("attacked", "L-model"): 4, ("attacked", "natural"): 4}, "reproduced"),
    ("sar.table1.e", {("lowpass", "L-model"): [40, 65, 85, 91, 92, 92, 92, 92]}, "contradicted"),
    ("sar.table1.f", {("lowpass", "PGD-AT"): [30, 58, 60, 65, 70, 70, 70, 70]}, "contradicted"),
    ("sar.fig2.a", {("lowpass", "natural"): [12, 90, 80, 70, 78, 88, 91, 94]}, "contradicted"),
    ("sar.fig3.a", {("texture", "PGD-AT"): 0.95}, "contradicted"),
    ("sar.fig4.b", {("low_energy", "PGD-AT"): 0.2}, "contradicted"),
    ("sar.fig4.b", {("low_energy", "PGD-AT"): 0.3}, "inconclusive"),
    ("sar.fig4.b", {("low_energy", "PGD-AT"): 0.35, ("dc", "PGD-AT"): 0.3}, "contradicted"),
    ("sar.fig4.c", {("low_energy", "L-model"): 0.2}, "contradicted"),
    ("sar.fig5.a", {("neighbours", "L-model"): 0.05}, "contradicted"),
    ("sar.fig6.a", {("low_part", "natural"): [94] * 8 + [30]}, "not run"),
    ("sar.fig6.c", {("high_part", "PGD-AT"): [82, 70, 60, 55, 52, 52, 52, 52, 52]}, "contradicted"),
    ("sar.fig6.c", {("high_part", "PGD-AT"): [82, 70, 60, 58, 56, 55, 54, 52, 52]}, "inconclusive"),
    ("sar.fig7.b", {("errors", "PGD-AT"): (0.1, 0.4)}, "contradicted"),
    ("sar.fig7.c", {("errors", "PGD-AT"): (0.7, 0.6)}, "contradicted"),
]


@pytest.mark.parametrize("name, change, expected", CHANGES)
def test_other_worlds(name, change, expected, tmp_path):
    models = world(tmp_path, ["cifar10"], {"cifar10": change})
    assert verdict(name, models).verdict == expected


def test_one_data_set_contradicts_the_conjunction(tmp_path):
    change = {"cifar100": {("attacked", "L-model"): 50}}
    models = world(tmp_path, ["cifar10", "cifar100"], change)
    row = verdict("sar.table1.d", models)
    assert row.verdict == "contradicted" and row.effect == pytest.approx(50 - 5.2)


def test_equal_data_sets_do_not_depend_on_the_data_set(tmp_path):
    row = verdict("sar.fig4.a", world(tmp_path, ["cifar10", "cifar100"]))
    assert row.verdict == "contradicted" and "CIFAR10 against CIFAR100" in row.reason


def test_seeds_widen_the_interval(tmp_path):
    one = verdict("sar.fig4.b", world(tmp_path / "one", seeds=1))
    three = verdict("sar.fig4.b", world(tmp_path / "three", seeds=3))
    assert three.reason.endswith("3 training runs per model.")
    assert three.effect == pytest.approx(one.effect, abs=1)


def test_a_stand_in_is_judged_where_the_claim_transfers(tmp_path):
    data = {"datasets": ["fashion-mnist-sample"], "papers": {"fashion-mnist-sample": "cifar10"}}
    models = [
        *world(tmp_path, architecture="resnet8", **data),
        *defences(tmp_path, networks=dict.fromkeys(NETWORKS, "resnet8"), **data),
    ]
    table = verdicts(SAR, models).set_index("finding")
    for finding in SAR:
        row = table.loc[finding["id"]]
        if not finding["transfers"]:
            assert row.verdict == "not run" and "which is not measured" in row.reason
        elif finding["id"] == "sar.fig4.a":
            assert row.verdict == "not run" and "compares data sets" in row.reason
        else:
            assert row.verdict == "reproduced", row.reason
            both = "data and network" if "architectures" in finding else "data"
            assert f"(in place of the paper's {both})" in row.reason
    assert "at bandwidth 18 the robust model" in table.loc["sar.table1.a", "reason"]


def test_a_stand_in_has_to_pass_the_clauses_on_some_data_sets_too(tmp_path):
    change = {("high_part", "PGD-AT"): [82, 70, 60, 55, 52, 52, 52, 52, 52]}
    name = "fashion-mnist-sample"
    models = world(tmp_path, [name], {name: change}, papers={name: "cifar10"})
    assert verdict("sar.fig6.c", models).verdict == "contradicted"


def test_own_data_is_preferred_to_a_stand_in(tmp_path):
    models = world(
        tmp_path, ["cifar10", "fashion-mnist-sample"], papers={"fashion-mnist-sample": "svhn"}
    )
    assert "FASHION" not in verdict("sar.table1.a", models).reason


def test_what_a_scale_leaves_out_is_not_run_and_says_where_it_is(tmp_path):
    """Even if its models happen to be measured for another artifact."""
    models = world(tmp_path)
    makers = {"sar.table1": "large", "sar.fig6": "", "sar.fig7": "tiny"}
    left_out = {artifact: {"scale": scale} for artifact, scale in makers.items()}
    claims = ["sar.table1.a", "sar.fig6.a", "sar.fig7.a", "sar.fig2.a"]
    rows = verdicts(claims, models, left_out=left_out)
    assert list(rows.verdict[:3]) == ["not run"] * 3 and rows.verdict[3] != "not run"
    assert list(rows.reason[:3]) == [
        "Not run at the tiny scale: it leaves sar.table1 out, which the large scale makes.",
        "Not run at the tiny scale: it leaves sar.fig6 out.",
        "Not run at the tiny scale: this run makes a part of the scale, without sar.fig7.",
    ]


def test_what_is_missing_is_not_run(tmp_path):
    models = world(tmp_path)
    assert "no model is measured on cifar100" in verdict("sar.fig13.a", models).reason
    assert "cifar10 and cifar100, nor on" in verdict("sar.table1.a", []).reason
    without = [entry for entry in models if entry["method"] != "L-model"]
    row = verdict("sar.table1.d", without)
    assert row.verdict == "not run" and np.isnan(row.effect) and row.n == 0
    assert row.reason == (
        "Not run at the tiny scale: the L-model has no measurement 'pgd-20' on CIFAR10."
    )
    Path(models[0]["probes"]["lowpass"]["arrays"]).unlink()
    assert verdict("sar.table1.a", models).verdict == "not run"


def test_models_without_a_common_seed_are_not_compared(tmp_path):
    models = world(tmp_path)
    models[0]["seed"] = 7
    assert "no seed in common" in verdict("sar.table1.e", models).reason


def test_the_first_images_are_paired(tmp_path):
    models = world(tmp_path)
    path = models[0]["probes"]["lowpass"]["arrays"]
    write_arrays(path, {"bandwidths": np.arange(4, 33, 4), "correct": np.zeros((8, 100))}, {})
    row = verdict("sar.table1.f", models)
    assert (row.n, row.effect) == (100, 100), "the robust model's first 100 answers are right"


def test_an_unmeasured_bandwidth_is_not_run(tmp_path):
    models = world(tmp_path)
    path = models[0]["probes"]["lowpass"]["arrays"]
    write_arrays(path, {"bandwidths": np.array([16, 32]), "correct": np.ones((2, N))}, {})
    assert "bandwidth 20 was not measured" in verdict("sar.table1.a", models).reason


def test_a_models_own_paper_comes_first(tmp_path):
    models = world(tmp_path)
    other = [{**entry, "paper": "fourier_study", "probes": {}} for entry in models]
    assert verdict("sar.table1.d", other + models).verdict == "reproduced"


def test_an_inequality_reads_as_arithmetic():
    language = LANGUAGES["sar"]
    found = parse("2 * (pgd20(natural) - pgd20('TRADES') / 4) + 1 > -3/4", language)
    terms = [(one.factor, one.score.name, one.method, one.arguments) for one in found.terms]
    assert terms == [(2.0, "pgd20", "natural", ()), (-0.5, "pgd20", "TRADES", ())]
    assert (found.constant, found.direction, found.threshold) == (1.0, "above", -0.75)
    assert parse("abs(pgd20(natural) - 50) < 5", language).direction == "within"
    assert parse("abs(pgd20(natural) - 50) > 5", language).direction == "beyond"


def test_added_errors_of_a_heat_map():
    plane = np.array([[0, 0], [1, 0], [-4, -4], [3, 3]])
    arrays = {
        "frequencies": plane,
        "wrong": np.array([[1, 0], [1, 0], [1, 1], [0, 0]], np.uint8),
        "wrong_clean": np.array([0, 1], np.uint8),
        "error": np.zeros((8, 8)),
    }
    inside = SCORES["errors_inside"](arrays, 0.5)
    outside = SCORES["errors_outside"](arrays, 0.5)
    np.testing.assert_allclose(inside, [100, -100])
    np.testing.assert_allclose(outside, [100 / 3, 100 / 3 - 100], rtol=1e-5)


def test_a_smooth_spectrum_has_no_edge():
    rings = np.exp(-0.3 * np.arange(17))[:, None] * np.ones(4)
    arrays = {"bandwidths": np.arange(2, 33, 2), "amplitude_by_radius": rings}
    np.testing.assert_allclose(SCORES["edge_drop"](arrays, 0.5), 0, atol=1e-12)
    rings[8:] /= np.e
    np.testing.assert_allclose(SCORES["edge_drop"](arrays, 0.5), 1)
