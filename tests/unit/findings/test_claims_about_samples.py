"""Claims about kernels, batches, training runs, networks and attacks on filtered images."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from invented_filtered_attacks import (
    ACCURACY,
    ATTACKS,
    FILTERS,
    OTHERS,
    N,
    files_of,
    filtered_models,
    write_curves,
)
from scipy import stats
from shipped import BY_ID, LANGUAGES, PROBES, ROOT, printed_verdict, read, verdict
from shipped import NETWORKS as TITLES
from shipped import SCORES as ROWS

from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.dependencies import declared
from passband.evaluation import frozen
from passband.files import read_arrays, write_arrays
from passband.findings.claims.contrasts import read_clauses
from passband.findings.clause import Clause
from passband.findings.scores import NotMeasured, read_scores
from passband.findings.verdict import decide
from passband.intervals.estimates import (
    Interval,
    combination,
    rank_correlation_interval,
    sample_interval,
)
from passband.options import Known, read_row
from passband.probes import PROBES as FUNCTIONS
from passband.probes import Subject
from passband.runs import write_run
from passband.training.recorders import RECORDERS
from passband.training.recorders import Subject as InTraining

PAPER = "fourier_study"
LANGUAGE = LANGUAGES[PAPER]
SCORES = read_scores(ROWS)
FINDINGS = {
    name.removeprefix(f"{PAPER}."): finding
    for name, finding in BY_ID.items()
    if name.startswith(PAPER)
}
NETWORKS = {
    "resnet20_hardtanh": "resnet8_hardtanh", "mobilenet_v2": "mobilenet_v2_tiny",
    "efficientnet_b0": "efficientnet_tiny", "wrn_34_10": "resnet8",
}  # fmt: skip
STAND_IN = {"dataset": "fashion-mnist-sample", "side": 28, "networks": NETWORKS}
AT = "PGD-7-AT"
LFC = "table1.c"


def judged(name, models):
    finding = FINDINGS[name] if isinstance(name, str) else name
    return verdict(finding, models)


@pytest.fixture(scope="module")
def paper_world(tmp_path_factory):
    return filtered_models(tmp_path_factory.mktemp("paper"))


# ---- verdicts


@pytest.mark.parametrize("name", [name for name in FINDINGS if name != LFC])
def test_the_papers_world_reproduces_the_paper(name, paper_world):
    row = judged(name, paper_world)
    assert row.verdict == "reproduced", row.reason
    assert "{" not in row.reason and row.reason.endswith("One training run per model.")


def accuracy(method, network="resnet20_hardtanh", clean=0.0, halved=0.0, pgd=0.0):
    """A change of the percentages that the world has for a model."""
    known = ACCURACY[method] if network == "resnet20_hardtanh" else OTHERS[network]
    more = (clean, clean + halved, pgd)
    return {("accuracy", method, network): tuple(np.add(known, more))}


UNCHANGED, WORSE = np.zeros(5), np.array([-2, -2, -2, -1, 0.0])
FOUR = ("GN", "FGSM", "PGD-20", "CW-20")
CHANGES = [
    ("fig2.a", {"low_energy": 0.4}, "contradicted"),
    ("fig2.a", {"low_energy": 0.5, "dc": 0.0}, "inconclusive"),
    ("fig2.a", {"fall": 0.0}, "contradicted"),
    ("table1.a", accuracy(AT, halved=-6), "contradicted"),
    ("fig2.a", {"low_energy": 0.6, "dc": 0.4}, "contradicted"),
    ("table1.a", accuracy(AT, halved=-3.4), "inconclusive"),
    ("table1.b", {("gains", AT): dict.fromkeys(FOUR, WORSE)}, "contradicted"),
    ("table1.b", {("gains", AT): dict.fromkeys(FOUR[1:], WORSE)}, "reproduced"),
    ("table1.b", {("gains", AT): dict.fromkeys(FOUR, UNCHANGED)}, "inconclusive"),
    ("table2.a", accuracy("PGD-7-AT (batch 128)", pgd=-6), "contradicted"),
    ("table2.a", accuracy("PGD-7-AT (batch 32)", clean=5), "inconclusive"),
    ("table2.a", accuracy("PGD-7-AT (batch 32)", clean=7), "contradicted"),
    ("table2.b", accuracy("PGD-7-AT (batch 32)", halved=-6), "contradicted"),
    ("table2.b", accuracy("PGD-7-AT (batch 32)", halved=-1.4), "inconclusive"),
    ("fig3.a", {("total_variation", AT): (1.5, 0.1)}, "contradicted"),
    ("fig3.a", {("total_variation", AT): (1.1, 0.1)}, "inconclusive"),
    ("fig3.b", {("channel_correlation", AT): (-0.4, 0.1)}, "contradicted"),
    ("fig3.b", {("channel_correlation", "natural"): (0.6, 0.1)}, "inconclusive"),
    ("fig4.a", {("high_share", AT): (0.8, 0.1)}, "contradicted"),
    ("fig4.a", {("high_share", AT): (0.5, 0.1)}, "inconclusive"),
    ("fig5.a", {("ratios", AT): (1.0, 1.2)}, "contradicted"),
    ("fig5.a", {("ratios", AT): (1.0, 2.1)}, "inconclusive"),
    ("fig5.a", {("ratios", "natural"): (1.01, 1.1)}, "inconclusive"),
    ("fig5.a", {("ratios", "natural"): (2.0, 1.0)}, "contradicted"),
    ("fig5.b", {("ratios", AT): (6.0, 1.0)}, "contradicted"),
    ("fig5.b", {("ratios", AT): (1.0, 3.0, 1.2)}, "inconclusive"),
    ("fig6.a", {("similarity", ("resnet20_hardtanh", AT)): 0.8}, "contradicted"),
    ("fig6.a", {("similarity", ("resnet20_hardtanh", AT)): 0.6}, "inconclusive"),
    ("table3.a", accuracy("PGD-7-AT+C-mixup", pgd=5), "contradicted"),
    ("table3.a", accuracy("PGD-7-AT+C-mixup", pgd=2.5), "inconclusive"),
    ("table3.b", accuracy("PGD-7-AT+A-cutmix", pgd=4), "contradicted"),
    ("table3.b", accuracy("PGD-7-AT+A-cutmix", pgd=1.5), "inconclusive"),
    ("table3.c", accuracy("PGD-7-AT+C-cutout", clean=5), "contradicted"),
    ("table3.c", accuracy("PGD-7-AT+C-cutout", clean=2), "inconclusive"),
    ("table3.d", accuracy("PGD-7-AT+C-cutout", pgd=5.5), "contradicted"),
    ("table3.d", accuracy("PGD-7-AT+A-cutmix", pgd=3), "inconclusive"),
    ("table3.d", accuracy("PGD-7-AT+A-cutmix", pgd=6), "contradicted"),
    ("table4.a", accuracy(AT, "efficientnet_b0", pgd=-6), "contradicted"),
    ("table4.a", accuracy(AT, "efficientnet_b0", pgd=-3), "inconclusive"),
    ("table4.b", accuracy(AT, "mobilenet_v2", pgd=-7), "contradicted"),
    ("table4.b", accuracy(AT, "mobilenet_v2", pgd=-5), "inconclusive"),
    ("fig7.a", {("similarity", ("efficientnet_b0", AT)): 0.7}, "contradicted"),
    ("fig7.a", {("similarity", ("efficientnet_b0", AT)): 0.5}, "inconclusive"),
    ("fig7.a", accuracy(AT, "mobilenet_v2", clean=-6), "contradicted"),
    ("table5.a", accuracy("PGD-7-AT+QM-32+FAT", pgd=-3), "contradicted"),
    ("table5.a", accuracy("PGD-7-AT+QM-2+FAT", pgd=-6), "inconclusive"),
    ("table5.b", accuracy("PGD-7-AT+QM-4", pgd=5), "contradicted"),
    ("table5.b", accuracy("PGD-7-AT+QM-2+FAT", pgd=-4.5), "inconclusive"),
    ("fig8.a", {("second", "PGD-7-AT+QM-4+FAT"): (1.5, 0.1)}, "contradicted"),
    ("fig8.a", {("second", "PGD-7-AT+QM-4+FAT"): (1.1, 0.1)}, "inconclusive"),
]


@pytest.mark.parametrize("name, change, expected", CHANGES)
def test_other_worlds(name, change, expected, tmp_path):
    row = judged(name, filtered_models(tmp_path, change))
    assert row.verdict == expected, row.reason


def test_every_claim_has_another_world():
    tried = {(name, verdict) for name, _, verdict in CHANGES} - {("table1.b", "reproduced")}
    both = ("contradicted", "inconclusive")
    assert tried == {(name, verdict) for name in FINDINGS if name != LFC for verdict in both}


@pytest.mark.parametrize("name", FINDINGS)
def test_nothing_measured_is_not_run(name):
    row = judged(name, [])
    assert row.verdict == "not run" and row.reason.startswith("Not run at the tiny scale: ")


def test_a_paper_that_is_not_there_is_named(paper_world):
    row = judged(LFC, paper_world)
    assert row.reason == (
        "Not run at the tiny scale: the claim needs ResNet-18 (hfc), which is not measured."
    )
    other = {
        **paper_world[0], "architecture": "resnet32_plain",
        "architecture_title": "ResNet-18 (hfc)", "paper_architecture": "resnet32_plain",
    }  # fmt: skip
    row = judged(LFC, [*paper_world, other])
    assert "LFC-trained (r=16) model with ResNet-18 (hfc)" in row.reason
    assert "has no measurement 'test-images'" in row.reason


@pytest.mark.parametrize("percent, verdict", [(74.5, "reproduced"), (60.0, "contradicted")])
def test_the_other_papers_model_is_judged_once_it_is_there(percent, verdict, paper_world, tmp_path):
    correct = (np.arange(N) < percent * N / 100).astype(np.uint8)
    path = tmp_path / "test-images.safetensors"
    write_arrays(path, {"correct": correct}, {})
    other = {
        **paper_world[0], "paper": "hfc", "model": "lfc", "method": "LFC-trained (r=16)",
        "architecture": "resnet32_plain", "architecture_title": "ResNet-18 (hfc)",
        "paper_architecture": "resnet32_plain",
        "probes": {"test-images": {"csv": str(path), "arrays": str(path)}},
    }  # fmt: skip
    assert judged(LFC, [*paper_world, other]).verdict == verdict


# ---- other data and networks


def test_stand_ins(tmp_path):
    models = filtered_models(tmp_path, **STAND_IN)
    for name, finding in FINDINGS.items():
        row = judged(name, models)
        if finding["transfers"]:
            assert row.verdict == "reproduced", row.reason
            assert "(in place of the paper's data)" in row.reason
        else:
            assert row.verdict == "not run" and "which is not measured" in row.reason
    reason = judged("table1.a", models).reason
    assert "at bandwidth 18 the adversarially trained model loses" in reason
    assert "at bandwidth 14 it loses" in reason


def test_each_paper_has_its_usual_network(tmp_path):
    models = filtered_models(tmp_path)
    larger = [one for one in models if one["architecture"] != "resnet20_hardtanh"]
    assert "no model is measured on CIFAR-10" in judged("table1.a", larger).reason


def test_a_missing_network_is_named(paper_world):
    models = [one for one in paper_world if one["architecture"] != "efficientnet_b0"]
    for name in ("table4.a", "table4.b", "fig7.a"):
        assert (
            "the claim needs EfficientNet-B0, which is not measured" in judged(name, models).reason
        )


def test_networks_are_told_apart(paper_world):
    row = judged("table4.a", paper_world)
    assert row.reason.startswith(
        "On CIFAR10, of 3 comparisons 3 are reproduced, 0 contradicted and 0 inconclusive; the "
        "weakest: EfficientNet-B0 leads ResNet-20 under PGD-20 by 3.0 points (98.3 % CI"
    )
    assert row.effect == pytest.approx(3.0) and row.n == N
    clauses = [{"holds": f"accuracy('{AT} with ResNet-21', 'PGD-20', 1) > 0", "says": "{effect}"}]
    other = {**FINDINGS["table4.a"], "parameters": {"clauses": clauses}}
    reason = judged(other, paper_world).reason
    assert "the adversarially trained model with ResNet-21 has no measurement" in reason


@pytest.mark.parametrize("name", [name for name in FINDINGS if "between" in FINDINGS[name]["test"]])
def test_clauses_name_the_networks_of_the_claim(name):
    finding = FINDINGS[name]
    lines = read_clauses(finding["parameters"]["clauses"], LANGUAGE)
    named = {term.method.split(" with ")[1] for line in lines for term in line.contrast.terms}
    assert named == {TITLES[one] for one in finding["architectures"]}
    assert not finding["transfers"]


# ---- what n counts


@pytest.mark.parametrize(
    "name, sample, n",
    [
        ("table1.a", "images", N), ("fig2.a", "images", 200), ("fig3.a", "kernels", 16),
        ("fig6.a", "batches", 10), ("fig5.a", "training runs", 1), ("fig5.b", "epochs", 12),
        ("fig8.a", "kernels", 16),
    ],
)  # fmt: skip
def test_n_counts_what_is_sampled(name, sample, n, paper_world):
    row = judged(name, paper_world)
    assert (row["sample"], row.n) == (sample, n)
    said = f" over {n:,} {sample}" in row.reason
    assert said == (sample != "training runs")


def test_few_images_of_an_expensive_probe(tmp_path):
    row = judged("table5.a", filtered_models(tmp_path, images=300))
    assert row.n == 300 and row.verdict == "inconclusive"


# ---- filtered attacks


def test_accuracy_reads_attack_and_filter_by_name():
    correct = np.random.default_rng(0).integers(0, 2, (7, 5, 40)).astype(np.uint8)
    names = list(reversed(ATTACKS))
    arrays = {
        "correct": correct, "attacks": np.array(names),
        "bandwidths": np.array([4 * eighths for eighths in FILTERS]),
    }  # fmt: skip
    score = SCORES["accuracy"].values
    np.testing.assert_array_equal(score(arrays, ("clean", Fraction(1))), 100.0 * correct[0, 4])
    np.testing.assert_array_equal(score(arrays, ("GN", Fraction(1, 2))), 100.0 * correct[5, 0])
    np.testing.assert_array_equal(score(arrays, ("CW-20", Fraction(5, 8))), 100.0 * correct[1, 1])
    with pytest.raises(NotMeasured, match="bandwidth 8 was not measured"):
        score(arrays, ("clean", Fraction(1, 4)))
    arrays["attacks"] = np.array(["gn"])
    with pytest.raises(NotMeasured, match="the attack pgd-20 was not measured"):
        score(arrays, ("PGD-20", Fraction(1)))


def test_several_attacks_are_counted(paper_world):
    reason = judged("table1.b", paper_world).reason
    assert "of 6 comparisons 6 are reproduced" in reason
    assert "where at least 3 are needed, number 3 from the top: on average over the" in reason


def test_the_loss_over_batch_sizes_is_a_slope():
    (line,) = read_clauses(FINDINGS["table2.b"]["parameters"]["clauses"], LANGUAGE)
    sizes = {"PGD-7-AT": 9, "PGD-7-AT (batch 256)": 8, "PGD-7-AT (batch 128)": 7,
             "PGD-7-AT (batch 64)": 6, "PGD-7-AT (batch 32)": 5}  # fmt: skip
    losses = dict(zip(sizes, (3.0, 1.0, 4.0, 1.5, 0.5), strict=True))
    cells = {(method, share): -loss for method, loss in losses.items() for share in (0.5,)}
    found = sum(
        term.factor * cells.get((term.method, float(term.arguments[1])), 0.0)
        for term in line.contrast.terms
    )
    assert found == pytest.approx(np.polyfit(list(sizes.values()), list(losses.values()), 1)[0])


# ---- spectra of the difference


def test_the_trend_is_spearmans():
    random = np.random.default_rng(1)
    rings = np.round(random.lognormal(0, 1, (17, 30)), 1)
    rings[:, 0] = np.arange(17)
    rings[:, 1] = -np.arange(17.0)
    found = SCORES["difference_trend"].values({"amplitude_by_radius_difference": rings})
    expected = [stats.spearmanr(np.arange(17), one).statistic for one in rings.T]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found[:2] == pytest.approx([1, -1])


def test_an_image_that_the_attack_left_alone_has_no_trend():
    found = SCORES["difference_trend"].values({"amplitude_by_radius_difference": np.zeros((17, 2))})
    assert np.isnan(found).all()
    shares = {"energy_share_difference": np.array([0.25, 1], np.float32)}
    np.testing.assert_array_equal(SCORES["difference_share"].values(shares), [25, 100])


# ---- kernels


def kernel_file(models, method):
    entry = next(one for one in models if one["method"] == method)
    return entry["probes"]["first-kernels"]["arrays"]


def rewrite(path, **arrays):
    write_arrays(path, read_arrays(path) | arrays, {})


def test_kernels_are_no_pairs(tmp_path):
    """The interval of two independent samples, which Welch's test nearly has."""
    models = filtered_models(tmp_path)
    row = judged("fig3.a", models)
    one, other = (
        read_arrays(kernel_file(models, method))["total_variation"] for method in ("natural", AT)
    )
    half = np.hypot(*(stats.t.ppf(0.975, 15) * stats.sem(values) for values in (one, other)))
    assert row.effect == pytest.approx(one.mean() - other.mean())
    assert (row.ci_low, row.ci_high) == pytest.approx((row.effect - half, row.effect + half))
    welch = stats.ttest_ind(one, other, equal_var=False).confidence_interval(0.95)
    assert row.ci_low < welch.low and row.ci_high > welch.high
    assert half == pytest.approx((welch.high - welch.low) / 2, rel=0.1)
    rewrite(kernel_file(models, AT), total_variation=other[::-1])
    assert judged("fig3.a", models).ci_low == pytest.approx(row.ci_low), "order does not matter"


def test_two_samples_of_kernels_are_covered():
    random, found = np.random.default_rng(4), 0
    for _ in range(1000):
        one, other = random.normal(1, 0.3, 16), random.normal(0.5, 0.1, 16)
        interval = combination([1, -1], [sample_interval([one]), sample_interval([other])])
        found += interval.low <= 0.5 <= interval.high
    assert 0.935 <= found / 1000 <= 0.98


def test_kernels_without_a_number_are_left_out(tmp_path):
    models = filtered_models(tmp_path)
    before = judged("fig3.a", models)
    variation = read_arrays(kernel_file(models, AT))["total_variation"]
    variation[[0, 5]] = np.nan
    rewrite(kernel_file(models, AT), total_variation=variation)
    row = judged("fig3.a", models)
    natural = read_arrays(kernel_file(models, "natural"))["total_variation"]
    assert row.n == 14 and before.n == 16
    assert row.effect == pytest.approx(natural.mean() - np.nanmean(variation))


def test_one_channel_has_no_correlation_of_channels(tmp_path):
    models = filtered_models(tmp_path)
    for method in ("natural", AT):
        rewrite(kernel_file(models, method), channel_correlation=np.full(16, np.nan))
    row = judged("fig3.b", models)
    assert row.verdict == "not run"
    assert "the kernels have no finite score 'channel_correlation' on CIFAR10" in row.reason


def test_a_single_kernel_leaves_the_claim_open(tmp_path):
    models = filtered_models(tmp_path)
    rewrite(kernel_file(models, AT), total_variation=np.array([0.1]))
    row = judged("fig3.a", models)
    assert row.verdict == "inconclusive" and row.n == 1
    assert "no interval, since the number of kernels is 1" in row.reason


def test_layers_of_other_widths_are_compared(tmp_path):
    models = filtered_models(tmp_path)
    rewrite(kernel_file(models, AT), total_variation=np.linspace(0.4, 0.6, 40))
    assert judged("fig3.a", models).verdict == "reproduced"


def test_kernels_of_several_seeds():
    samples = [np.array([1.0, 2, 3, np.nan]), np.array([2.0, 3, 4, 5])]
    found = sample_interval(samples)
    pooled = np.array([1, 2, 3, 2, 3, 4, 5.0])
    h1 = stats.t.ppf(0.975, 6) * stats.sem(pooled)
    h2 = stats.t.ppf(0.975, 1) * stats.sem([2, 3.5])
    assert found.effect == pytest.approx(pooled.mean()) and found.n == 7
    assert found.high - found.effect == pytest.approx(np.hypot(h1, h2))
    with pytest.raises(ValueError, match="finite"):
        sample_interval([np.full(3, np.nan)])


# ---- batches


def test_batches_are_pairs(tmp_path):
    models = filtered_models(tmp_path)
    paths = [
        next(one for one in models if one["method"] == method)["probes"]["layer-similarity"]
        for method in ("natural", AT)
    ]
    one, other = (read_arrays(path["arrays"])["shallow_deep_by_batch"] for path in paths)
    row = judged("fig6.a", models)
    exact = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert (row.ci_low, row.ci_high) == pytest.approx((exact.low, exact.high))


def test_one_batch_leaves_the_claim_open(tmp_path):
    row = judged("fig6.a", filtered_models(tmp_path, batches=1))
    assert row.verdict == "inconclusive" and row.n == 1
    assert "no interval, since the number of batches is 1" in row.reason


def test_a_missing_probe_is_not_run(tmp_path):
    models = filtered_models(tmp_path)
    for one in models:
        one["probes"].pop("layer-similarity", None)
    for name in ("fig6.a", "fig7.a"):
        assert "has no measurement 'layer-similarity' on CIFAR10" in judged(name, models).reason


# ---- training runs


def test_a_single_run_is_decided_by_its_margin(paper_world):
    row = judged("fig5.a", paper_world)
    assert row.verdict == "reproduced" and np.isnan(row.ci_low) and np.isnan(row.ci_high)
    assert row.effect == pytest.approx(2.03 / 1.01, rel=1e-5) and row.n == 1
    assert (
        "the second factor exceeds the first by 4.350 (one training run has no interval, a margin "
        "of 0.25 decides; claim: more than 0)"
    ) in row.reason


def test_a_single_run_without_a_margin_is_open(paper_world):
    clauses = [
        {key: value for key, value in clause.items() if key != "margin"}
        for clause in FINDINGS["fig5.a"]["parameters"]["clauses"]
    ]
    finding = {**FINDINGS["fig5.a"], "parameters": {"clauses": clauses}}
    row = judged(finding, paper_world)
    assert row.verdict == "inconclusive" and row.ci_low == -np.inf
    assert "no interval, since the number of training runs is 1" in row.reason


@pytest.mark.parametrize(
    "effect, verdict",
    [(1.3, "reproduced"), (1.2, "inconclusive"), (0.8, "inconclusive"), (0.7, "contradicted")],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_margin_holds_on_either_side(effect, verdict, sign):
    interval = Interval(sign * effect, np.nan, np.nan, 1)
    direction = "above" if sign > 0 else "below"
    clause = Clause(interval, direction, sign * 1.0, "{effect}", "MNIST", "", margin=0.25)
    assert decide([clause]).verdict == verdict


def test_several_runs_have_students_interval(tmp_path):
    row = judged("fig5.a", filtered_models(tmp_path, seeds=3))
    assert row.verdict == "reproduced" and row.n == 3
    assert "99.4 % CI" in row.reason and "margin" not in row.reason
    clauses = [{"holds": "ratio_last('PGD-7-AT') - ratio_last(natural) > 0", "says": "{effect}"}]
    finding = {**FINDINGS["fig5.a"], "parameters": {"clauses": clauses}}
    row = judged(finding, filtered_models(tmp_path, seeds=3))
    differences = (6.36 - 2.03) * np.array([1, 1.02, 1.04])
    half = stats.t.ppf(0.975, 2) * stats.sem(differences)
    assert row.effect == pytest.approx(differences.mean(), rel=1e-5)
    assert (row.ci_low, row.ci_high) == pytest.approx((row.effect - half, row.effect + half), 1e-4)


def test_runs_that_disagree_leave_the_claim_open(tmp_path):
    models = filtered_models(tmp_path, seeds=2)
    worse = next(one for one in models if one["method"] == AT and one["seed"] == 1)
    write_curves(Path(worse["files"]["curves"]), (1.0, 1.1), 0)
    assert judged("fig5.a", models).verdict == "inconclusive"


def test_what_training_did_not_record_is_not_run(tmp_path):
    models = filtered_models(tmp_path)
    for one in models:
        write_curves(Path(one["files"]["curves"]), None, 0)
    for name in ("fig5.a", "fig5.b"):
        reason = judged(name, models).reason
        assert "'first-activation' recorded nothing with 'definition=per_channel'" in reason
    without = [one | {"files": {}} for one in models]
    assert (
        "has no measurement 'training:first-activation' on CIFAR10"
        in judged("fig5.b", without).reason
    )


def test_a_ratio_that_does_not_exist_is_not_run(tmp_path):
    models = filtered_models(tmp_path, {("ratios", "natural"): [np.nan] * 12})
    assert "the training runs have no finite score" in judged("fig5.a", models).reason


# ---- rank correlation


def test_the_rank_correlation_is_that_of_the_formula():
    random = np.random.default_rng(2)
    first = np.arange(40.0)
    second = first + random.normal(0, 15, 40)
    found = rank_correlation_interval(first, second)
    ranks = second.argsort().argsort()
    r = 1 - 6 * np.square(ranks - first).sum() / (40**3 - 40)
    ends = np.tanh(np.arctanh(r) + np.array([-1, 1]) * 1.959964 * np.sqrt((1 + r * r / 2) / 37))
    assert found.effect == pytest.approx(r) and found.n == 40
    assert (found.low, found.high) == pytest.approx(tuple(ends))


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("n", [10, 40])
def test_rank_correlations_are_covered(correlation, n):
    random, truth, found = np.random.default_rng(6), 6 / np.pi * np.arcsin(correlation / 2), 0
    for _ in range(1000):
        one, other = random.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], n).T
        interval = rank_correlation_interval(one, other)
        found += interval.low <= truth <= interval.high
    assert found / 1000 >= 0.93


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [4, 9, 120])
def test_a_perfect_order_leaves_room_for_doubt(n, sign):
    found = rank_correlation_interval(np.arange(n), sign * np.arange(n) ** 2)
    assert found.effect == pytest.approx(sign)
    assert -1 <= found.low < found.high <= 1
    assert (found.low > 0) == (sign > 0 and n > 4) and (found.high < 0) == (sign < 0 and n > 4)


def test_few_or_equal_values_have_no_order():
    assert rank_correlation_interval(np.arange(3), np.arange(3)) == Interval(1.0, -1.0, 1.0, 3)
    for values in ([1.0], [2.0, 2.0, 2.0], [np.nan, 1.0, np.nan]):
        with pytest.raises(ValueError, match="values that differ"):
            rank_correlation_interval(np.arange(len(values)), np.array(values))
    found = rank_correlation_interval(np.arange(6), np.array([1, 2, np.nan, 3, 5, 4]))
    assert found.n == 5 and found.effect == pytest.approx(0.9)


def test_runs_average_their_rank_correlations(tmp_path):
    models = filtered_models(tmp_path, seeds=2)
    other = next(one for one in models if one["method"] == AT and one["seed"] == 1)
    write_curves(Path(other["files"]["curves"]), (6.0, 1.0), 0)
    row = judged("fig5.b", models)
    assert row.effect == pytest.approx(0) and row.verdict == "inconclusive"


def test_a_ratio_that_never_changes_is_not_run(tmp_path):
    row = judged("fig5.b", filtered_models(tmp_path, {("ratios", AT): (2.0, 2.0)}))
    assert (
        row.verdict == "not run"
        and "values that differ, and those of 'first-activation' do not on CIFAR10" in row.reason
    )


# ---- what the probes store is what the scores read


@pytest.fixture
def really_measured(lived_in, tmp_path):
    """Four methods with the files of one untrained network, as probes and recorders do."""
    trained, count = lived_in("resnet8_hardtanh", side=16), 12
    images = (
        255 * torch.rand((count, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    ).byte()
    noise = 0.03 * torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    subject = Subject(
        frozen(trained), images, torch.arange(count) % 10, (), 0,
        Compute(torch.device("cpu"), torch.float32), noise, trained,
    )  # fmt: skip
    noisy = {"attack": "gaussian_noise", "std": 0.1}
    names = {
        "attack": {name: Known({"name": name, **noisy}) for name in ("pgd-20", *ATTACKS)},
        "filter": {
            name: Known({"name": name, **row})
            for name, row in read(ROOT / "config/filters.yaml").items()
        },
    }
    probes = {}
    for name, row in PROBES.items():
        if name in ("filtered-attacks", "input-spectra", "layer-similarity") or "kernels" in name:
            given = {key: value for key, value in row.items() if key != "probe"}
            given |= {"batch": 4} if "batch" in row else {}
            wanted = declared("probes")[row["probe"]].keywords
            found = FUNCTIONS[row["probe"]](subject, **read_row(name, wanted, given, names))
            path = tmp_path / f"{name}.safetensors"
            write_arrays(path, found.arrays, found.metadata)
            probes[name] = {"csv": "", "arrays": str(path)}
    compute, curves = Compute(torch.device("cpu"), torch.float32), []
    for epoch in (1, 2, 3, 4):
        shown = InTraining(trained, ImageSet(images, subject.labels, (), ""), None, compute)
        recorded = RECORDERS["activation_ratio"](shown, images=3 * epoch)
        curves += [
            {"epoch": epoch, "recorder": "first-activation", **row._asdict()} for row in recorded
        ]
    write_run(tmp_path / "run.json", {}, {"curves": (tmp_path / "curves.csv", curves)})
    entry = filtered_models(tmp_path)[0]
    methods = ("natural", AT, "PGD-7-AT+QM-4", "PGD-7-AT+QM-4+FAT")
    files = {"probes": probes, "files": files_of(tmp_path)}
    return [{**entry, **files, "method": one, "model": one} for one in methods]


@pytest.mark.parametrize(
    "name",
    ["fig2.a", "table1.a", "table1.b", "fig3.a", "fig3.b", "fig4.a", "fig5.a", "fig5.b", "fig6.a",
     "fig8.a"],
)  # fmt: skip
def test_scores_read_what_probes_write(name, really_measured):
    row = judged(name, really_measured)
    assert row.verdict != "not run", row.reason
    assert np.isfinite(row.effect)


# ---- the papers' numbers


@pytest.mark.parametrize(
    "holds, expected",
    [
        ("accuracy('PGD-7-AT', 'CW-20', 7/8) - accuracy('PGD-7-AT', 'CW-20', 1) > 21.27", True),
        ("accuracy('PGD-7-AT', 'CW-20', 7/8) - accuracy('PGD-7-AT', 'CW-20', 1) > 21.29", False),
        ("accuracy('PGD-7-AT', 'clean', 1) > 76.66", True),
        ("clean('PGD-7-AT') > 76.68", False),
        ("lowpass('PGD-7-AT', 1/2) > 74.17", True),
        ("ratio_last('PGD-7-AT') - ratio_last(natural) > 4.32", True),
        ("ratio_growth('PGD-7-AT') - ratio_growth(natural) > 4.36", False),
    ],
)
def test_cells_are_found(holds, expected):
    clauses = [{"holds": holds, "says": "{effect}"}]
    finding = {**FINDINGS["table1.a"], "parameters": {"clauses": clauses}}
    found = printed_verdict(finding)
    assert found == ("consistent" if expected else "contradicted")
