"""Gradient-masking checks: silent about noise, each speaks of its own sign."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from passband.dependencies import declared
from passband.errors import UserError
from passband.findings.flags import answers
from passband.findings.masking import CHECKS, checks, describe_passed, failed
from passband.options import CheckRow, Known, read

NAMES = {
    "pgd-20": "PGD-20", "pgd-50": "PGD-50", "cw-30": "C&W", "pgd-10-half": "PGD with ε = 1/2",
    "square": "Square", "autoattack": "AutoAttack", "fgsm": "FGSM", "bim-20": "BIM-20",
    "cw-20": "CW-20",
}  # fmt: skip
ROWS = [
    {"check": "more_steps_help", "fewer": "pgd-20", "more": "pgd-50"},
    {"check": "beaten_alone", "worst": "autoattack", "attack": "square"},
    {"check": "left_standing", "worst": "autoattack", "than": ["pgd-50", "cw-30"]},
    {"check": "survives_anything", "attack": "pgd-10-half"},
    {"check": "has_no_gradient"},
]
ORDER = [
    {"check": "being_attacked_helps", "attacks": ["fgsm", "pgd-20", "bim-20", "cw-20"]},
    {"check": "more_steps_help", "fewer": "fgsm", "more": "pgd-20"},
    {"check": "more_steps_help", "fewer": "fgsm", "more": "bim-20"},
]


def bits(ones, n):
    return (np.arange(n) < ones).astype(np.uint8)


def healthy(**changes):
    """A defence of which 200 of 400 images stand."""
    run = dict.fromkeys(("pgd-20", "pgd-50", "cw-30"), bits(200, 400))
    run |= {"pgd-10-half": bits(0, 400), "zero_gradient": bits(0, 400)}
    standing = dict.fromkeys(("apgd-ce", "apgd-t", "fab-t", "square"), bits(200, 400))
    run |= {f"autoattack:{name}": one for name, one in {"none": bits(320, 400), **standing}.items()}
    return run | changes


def one(check, run, **arguments):
    return CHECKS[check]([run], NAMES, **arguments)


def wilson_low(k, n):
    return binomtest(k, n).proportion_ci(method="wilson").low


def test_checks_are_silent_about_a_sound_defence():
    assert checks([healthy()], ROWS, NAMES) == []


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (6, 0), (9, 2), (10, 2), (30, 30), (0, 9)])
def test_more_steps_help_by_mcnemars_test(gained, lost):
    run = {"more": bits(gained, 100), "fewer": bits(lost, 100)[::-1]}
    tail = binom.sf(gained - 1, gained + lost, 0.5)
    assert bool(one("more_steps_help", run, fewer="fewer", more="more")) == (tail < 0.025)


def test_more_steps_help_states_both_accuracies():
    run = {"pgd-20": bits(40, 100), "pgd-50": bits(50, 100)}
    reason = one("more_steps_help", run, fewer="pgd-20", more="pgd-50")
    assert "50.0 % are right under PGD-50 and 40.0 % under PGD-20" in reason
    assert f"p = {2 * 0.5**10:.2g}" in reason


@pytest.mark.parametrize("n", [100, 500, 10_000])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 9, 29, 30, 31])
def test_few_images_may_fall_to_the_black_box_or_stand_by_chance(k, n):
    expected = wilson_low(k, n) > 0.002
    before, after = bits(90, n), bits(90, n) - bits(k, n)
    run = {"w:none": before, "w:square": after, "a": before, "b": before, "c": after}
    assert bool(one("beaten_alone", run, worst="w", attack="square")) == expected
    run = {"w:none": before, "w:square": before, "a": before, "c": after}
    for than in (["c", "a"], ["a", "c"]):
        assert bool(one("left_standing", run, worst="w", than=than)) == expected


@pytest.mark.parametrize("n", [100, 500, 10_000])
@pytest.mark.parametrize("k", [0, 1, 3, 4, 9, 10, 121, 122, 123])
def test_hardly_any_image_survives_half_the_range_or_has_no_gradient(k, n):
    k = min(k, n)
    expected = wilson_low(k, n) > 0.01
    assert bool(one("survives_anything", {"half": bits(k, n)}, attack="half")) == expected
    assert bool(one("has_no_gradient", {"zero_gradient": bits(k, n)})) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pgd-20": bits(180, 400)}, "more steps help"),
        ({"autoattack:square": bits(190, 400)}, "images fall to Square alone"),
        ({"cw-30": bits(190, 400)}, "AutoAttack misses"),
        ({"pgd-50": bits(190, 400)}, "stand although PGD-50 or C&W broke them"),
        ({"pgd-10-half": bits(40, 400)}, "right under PGD with ε = 1/2"),
        ({"zero_gradient": bits(40, 400)}, "exactly zero"),
    ],
)
def test_each_check_speaks_alone(changes, words):
    (reason,) = checks([healthy(**changes)], ROWS, NAMES)
    assert words in reason


def test_images_of_all_seeds_count_as_one_sample():
    three_gained = healthy(**{"pgd-20": bits(197, 400)})
    assert checks([three_gained], ROWS, NAMES) == []
    assert len(checks([three_gained, three_gained], ROWS, NAMES)) == 1


def test_only_common_first_images_are_compared():
    long = np.concatenate([bits(200, 400), bits(0, 1600)])  # later images fell to PGD-20
    assert checks([healthy(**{"pgd-20": long})], ROWS, NAMES) == []
    later = healthy(**{"pgd-50": bits(100, 400), "pgd-20": bits(100, 400)})  # 100 to 199 fell
    short = {name: bits(100, 100) for name in later if name.startswith("autoattack:")}
    assert checks([later | short], ROWS, NAMES) == []
    assert checks([later], ROWS, NAMES) != []


def ordered(**changes):
    return dict.fromkeys(("none", "fgsm", "pgd-20", "bim-20", "cw-20"), bits(0, 400)) | changes


def test_a_single_step_is_compared_with_both_iterated_attacks():
    run = ordered(none=bits(400, 400), fgsm=bits(196, 400))
    assert checks([run], ORDER, NAMES) == []
    (reason,) = checks([run | {"bim-20": bits(400, 400)}], ORDER, NAMES)
    assert "100.0 % are right under BIM-20 and 49.0 % under FGSM" in reason


@pytest.mark.parametrize("attack", ["fgsm", "pgd-20", "bim-20", "cw-20"])
def test_an_attack_that_helps_is_a_sign_of_false_robustness(attack):
    reason = checks([ordered(**{attack: bits(196, 400)})], ORDER, NAMES)[0]
    helped = f"being attacked helps the defender: 49.0 % are right under {NAMES[attack]}"
    assert reason.startswith(helped)
    assert "and 0.0 % without an attack, on the same 400 images" in reason
    assert checks([ordered(**{attack: bits(5, 400)})], ORDER, NAMES) == []
    assert checks([ordered(**{attack: bits(6, 400)})], ORDER, NAMES) != []


@pytest.mark.parametrize(
    ("few", "many", "flagged"),
    [
        (340, 0, True),  # withstands one step, but not many
        (340, 140, True),
        (340, 200, False),  # more than half stand
        (120, 40, True),
        (70, 0, False),  # not even a single step is withstood
        (106, 0, False),  # a quarter of 400 within noise
        (0, 0, False),
    ],
)
def test_a_single_step_that_misses_most_is_catastrophic_overfitting(few, many, flagged):
    run = {"none": bits(400, 500), "one": bits(few, 500), "many": bits(many, 500)}
    reason = one("one_step_overfitting", run, fewer="one", more="many")
    assert reason.startswith("a single step overrates it, as after catastrophic") == flagged
    assert bool(reason) == flagged
    row = {"check": "one_step_overfitting", "fewer": "one", "more": "many"}
    assert failed([run], [row], {}) == [("one", reason)] * flagged


def test_what_passed_is_described():
    assert describe_passed(ROWS, NAMES) == (
        "Gradient-masking checks: all pass. Beyond noise, PGD-50 is not weaker than PGD-20, no "
        "more than 0.2 % of the images fall to Square alone, no more than 0.2 % of the images "
        "outlive AutoAttack although PGD-50 or C&W broke them, no more than 1 % of the images "
        "survive PGD with ε = 1/2 and no more than 1 % of the images have an input gradient of "
        "zero."
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({}, "lacks the key 'check'"),
        ({"check": "more_step"}, "did you mean 'more_steps_help'"),
        (ROWS[0] | {"more": "pgd-5"}, "unknown attack 'pgd-5': did you mean"),
        ({"check": "beaten_alone", "attack": "square"}, "lacks the key 'worst'"),
        (ROWS[1] | {"worst": "auto"}, "unknown .* probe 'auto'"),
        (ROWS[4] | {"attack": "square"}, "unknown key"),
    ],
)
def test_a_bad_row_is_named(row, words):
    names = {
        "attack": {name: Known(name) for name in set(NAMES) - {"autoattack"}},
        "probe": {"autoattack": Known("autoattack", "worst_case_accuracy")},
        "check": {name: Known(one) for name, one in declared("findings/masking").items()},
    }
    good = [*ROWS, *ORDER]
    assert read("artifact 'mine'", "checks", list[CheckRow], good, names) == good
    with pytest.raises(UserError, match=words) as caught:
        read("artifact 'mine'", "checks", list[CheckRow], [row], names)
    assert "artifact 'mine'" in str(caught.value)


def test_accuracy_without_an_attack_tells_nothing_of_attacks():
    plain = {"test-images": {"correct": np.array([1, 0, 1], np.uint8)}}
    attacked = {
        "fgsm": {name: np.array([1, 0, 0], np.uint8) for name in ("correct", "correct_clean")}
    }
    assert answers(plain) == {}
    assert answers(plain | attacked).keys() == {"fgsm", "none"}
