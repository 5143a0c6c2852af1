"""Scores and claims about corruptions, on invented answers and on printed numbers."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from shipped import ROOT, SCORES

from passband.errors import UserError
from passband.files import write_arrays
from passband.findings.asked import Asked
from passband.findings.claims import CLAIMS
from passband.findings.clause import REPRODUCED, holds, verdict
from passband.findings.contrast import Language, parse
from passband.findings.measured import Group
from passband.findings.printed import Printed
from passband.findings.scores import NotMeasured, read_scores
from passband.intervals.estimates import relative_errors
from passband.printed import read_printed

READ = read_scores(SCORES)
LANGUAGE = Language({"plain": "natural", "jafr": "JaFR"}, {"natural": "standard model"}, READ)
NAMES = ["fog", "snow", "shot_noise", "pixelate", "contrast"]
BIAS = np.array([[12, 13], [11, 11.5], [3, 4], [8, 8.2], [12.6, 13]], np.float32)
N = 2000
ERRORS = {  # percent by corruption, at both severities
    "natural": np.array([[10, 20], [15, 25], [40, 60], [10, 20], [20, 40]]),
    "JaFR": np.array([[11, 21], [15, 24], [30, 50], [9, 18], [22, 42]]),
}
ARRAYS = {
    "correct": (np.arange(3) % 2)[None, None].repeat(2, 0).repeat(2, 1),
    "correct_clean": np.array([1, 1, 0]),
    "change_bias": BIAS[:2],
    "corruptions": np.array(NAMES[:2]),
}
MCE = {"score": "corruption", "relative_to": "plain", "corruptions": NAMES, "threshold": 100}


@pytest.fixture(scope="module")
def group(tmp_path_factory) -> Group:
    """Two models, two seeds; harder images are the same throughout."""
    root, arrays = tmp_path_factory.mktemp("corrupted"), {}
    for method, errors in ERRORS.items():
        for seed in (0, 1):
            order = np.random.default_rng(seed).permutation(N) if seed else np.arange(N)
            wrong = order < (errors[..., None] + seed) * N / 100
            path = root / f"{method}-{seed}.safetensors"
            stored = {
                "correct": (~wrong).astype(np.uint8),
                "correct_clean": np.ones(N, np.uint8),
                "change_bias": BIAS,
            }
            write_arrays(path, stored, {"corruptions": NAMES})
            arrays.setdefault(method, {})[seed] = {"corruptions": str(path)}
    return Group("cifar10", "CIFAR-10", False, arrays, "ResNet", LANGUAGE)


def judged(test: str, where, **parameters: object) -> list:
    return CLAIMS[test]([where], LANGUAGE, **parameters)


def test_scores_are_means_over_severities():
    found = READ["corruption"].values(ARRAYS, ("snow",))
    np.testing.assert_array_equal(found, [0, 100, 0])
    np.testing.assert_array_equal(READ["corruptions"].values(ARRAYS), [0, 100, 0])
    np.testing.assert_array_equal(READ["uncorrupted"].values(ARRAYS), [100, 100, 0])
    np.testing.assert_allclose(READ["change_bias"].values(ARRAYS, ("snow",)), [11.25])
    with pytest.raises(NotMeasured, match="the corruption fig was not measured"):
        READ["corruption"].values(ARRAYS, ("fig",))


def test_accuracies_are_compared_per_corruption(group):
    contrast = parse("corruption(jafr, shot_noise) - corruption(plain, 'shot_noise') > 5", LANGUAGE)
    assert group.interval(contrast).effect == pytest.approx(10)


def test_the_mce_is_the_mean_ratio_with_the_interval_of_the_scores(group):
    (clause,) = judged("mean_corruption_error", group, below=["jafr"], **MCE)
    means = {name: (errors + 0.5).mean(1) for name, errors in ERRORS.items()}
    ratios = means["JaFR"] / means["natural"]
    assert clause.interval.effect == pytest.approx(100 * ratios.mean())
    assert verdict(clause) == REPRODUCED and clause.unit == "percent"
    assert "mCE of the JaFR model relative to the standard model" in clause.says
    by_method = {
        method: np.stack([group.read(method, "corruptions")[seed]["correct"] for seed in (0, 1)])
        for method in ERRORS
    }
    errors, reference = (1.0 - by_method[name].mean(2) for name in ("JaFR", "natural"))
    scores = relative_errors(errors, reference)
    assert clause.interval.effect == pytest.approx(scores.mean())


def test_the_reference_itself_has_an_mce_of_100(group):
    (clause,) = judged("mean_corruption_error", group, above=["plain"], **MCE)
    assert clause.interval[:3] == pytest.approx((100, 100, 100))


def test_a_gain_is_ranked_against_the_bias(group):
    (clause,) = judged(
        "rank_correlation_over_corruptions",
        group,
        quantity="corruption(jafr, {corruption}) - corruption(plain, {corruption})",
        against="change_bias(plain, {corruption})",
        corruptions=NAMES,
        below=0,
        says="the gain correlates {effect} with the bias",
    )
    # gains -1, 0.5, 10, 1.5, -2 and biases 12.5, 11.25, 3.5, 8.1, 12.8 are in opposite orders
    assert clause.interval.effect == pytest.approx(-1)
    assert clause.sample == "corruptions" and verdict(clause) == REPRODUCED


@pytest.mark.parametrize(
    ("test", "change", "reason"),
    [
        ("mean_corruption_error", {}, "below and above name no model"),
        ("rank_correlation_over_corruptions", {}, "above is None and below is None, expected one"),
        (
            "rank_correlation_over_corruptions",
            {"above": 0, "below": 0},
            "above is 0 and below is 0",
        ),
        (
            "rank_correlation_over_corruptions",
            {"above": 0, "against": "change_bias(plain, fog)"},
            r"against is .*fog.*, expected a sum of scores with the mark \{corruption\}",
        ),
    ],
)
def test_parameters_that_make_no_sense_are_refused(test, change, reason):
    usual = MCE
    if test != "mean_corruption_error":
        usual = {"quantity": "corruption(jafr, {corruption})", "says": "{effect}"}
        usual |= {"against": "change_bias(plain, {corruption})"}
    with pytest.raises(UserError, match=reason):
        judged(test, Asked("one"), **(usual | change))


def test_what_a_claim_asks_for_is_known_before_anything_is_measured():
    asked = Asked("one")
    judged("mean_corruption_error", asked, above=["jafr"], **{**MCE, "corruptions": None})
    assert {(term.method, term.score.measurement) for term in asked.terms} == {
        ("natural", "corruptions"),
        ("JaFR", "corruptions"),
    }
    assert len({term.arguments for term in asked.terms}) == 19


# ---- on the printed numbers


@pytest.fixture(scope="module")
def printed() -> Printed:
    folder = Path(ROOT / "config/papers/jafr")
    names = yaml.safe_load((folder / "paper.yaml").read_text(encoding="utf-8"))["printed"]
    table = read_printed(folder / "printed/table1.csv", names)
    return Printed("cifar10", "CIFAR-10", "PreActResNet-18", table)


@pytest.mark.parametrize(
    ("method", "mce"),
    [
        ("JaFR", 95.84),
        ("FGSM+JaFR(-)", 127.51),
        ("FGSM-AT", 124.32),
        ("FGSM+JaFR", 128.91),
        ("PGD-AT", 132.03),
    ],
)
def test_the_mce_of_the_printed_accuracies(printed, method, mce):
    whole = {**MCE, "corruptions": None, "threshold": mce + 0.01}
    (clause,) = judged("mean_corruption_error", printed, below=[method], **whole)
    assert clause.interval.effect == pytest.approx(mce, abs=0.005)
    assert holds(clause)


def test_the_printed_gain_falls_with_the_printed_bias(printed):
    (clause,) = judged(
        "rank_correlation_over_corruptions",
        printed,
        quantity="corruption(jafr, {corruption}) - corruption(plain, {corruption})",
        against="change_bias(plain, {corruption})",
        below=0,
        says="{effect}",
    )
    assert -1 < clause.interval.effect < -0.4 and clause.interval.n == 19
