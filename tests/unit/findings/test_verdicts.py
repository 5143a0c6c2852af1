"""The rule that turns clauses into a verdict."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passband.findings.clause import Clause, deciding, holds, support
from passband.findings.verdict import decide, not_run
from passband.intervals.estimates import Interval

VERDICTS = ["reproduced", "contradicted", "inconclusive"]
SIDES = {
    # direction: (low, high) of an interval wholly on the claimed side, wholly on the other, across
    "above": ((11, 13), (5, 9), (9, 11)),
    "below": ((5, 9), (11, 13), (9, 11)),
    "within": ((-9, 9), (11, 13), (8, 12)),
    "beyond": ((-13, -11), (-9, 9), (-12, 12)),
}


def clause(low, high, direction="above", threshold=10.0, unit="points", where="MNIST"):
    interval = Interval((low + high) / 2, low, high, 100)
    return Clause(interval, direction, threshold, "it loses {effect}", where, unit)


@pytest.mark.parametrize("direction", SIDES)
@pytest.mark.parametrize("side, verdict", list(enumerate(VERDICTS)))
def test_one_clause(direction, side, verdict):
    assert decide([clause(*SIDES[direction][side], direction)]).verdict == verdict


@pytest.mark.parametrize("end", [(11, 13), (7, 9)])
@pytest.mark.parametrize("direction", ["within", "beyond"])
def test_either_way_means_either_way(direction, end):
    low, high = end
    one, other = clause(low, high, direction), clause(-high, -low, direction)
    assert support(one) == support(other)


HOLDS, FAILS, OPEN = (11, 13), (5, 9), (9, 11)


@pytest.mark.parametrize(
    "sides, verdict",
    [
        ([HOLDS, HOLDS], "reproduced"),
        ([HOLDS, OPEN], "inconclusive"),
        ([OPEN, OPEN], "inconclusive"),
        ([HOLDS, FAILS], "contradicted"),
        ([OPEN, FAILS], "contradicted"),
        ([FAILS, FAILS], "contradicted"),
    ],
)
def test_clauses_must_hold_together(sides, verdict):
    for order in (sides, sides[::-1]):
        assert decide([clause(*side) for side in order]).verdict == verdict


def test_the_threshold_itself_is_on_neither_side():
    assert decide([clause(10, 12)]).verdict == "inconclusive"
    assert decide([clause(8, 10)]).verdict == "inconclusive"
    assert decide([clause(10, 10)]).verdict == "inconclusive"
    assert decide([clause(10.5, 10.5)]).verdict == "reproduced"
    assert decide([clause(-inf, inf)._replace(interval=Interval(50, -inf, inf, 1))]).verdict == (
        "inconclusive"
    )


@given(
    st.sampled_from(sorted(SIDES)),
    st.floats(-30, 30),
    st.floats(0.01, 20),
    st.floats(0.01, 20),
)
def test_support_agrees_with_the_interval(direction, effect, below, above):
    low, high, t = effect - below, effect + above, 10.0
    claimed, other = {
        "above": (low > t, high < t),
        "below": (high < t, low > t),
        "within": (low > -t and high < t, low > t or high < -t),
        "beyond": (low > t or high < -t, low > -t and high < t),
    }[direction]
    found = support(Clause(Interval(effect, low, high, 9), direction, t, "", "", ""))
    if min(abs(end - side) for end in (low, high) for side in (t, -t)) > 1e-6:
        assert (found > 1) == claimed
        assert (found < -1) == other


def test_the_weakest_clause_is_reported():
    outcome = decide([clause(30, 32), clause(11, 12), clause(50, 90)])
    assert (outcome.effect, outcome.ci_low, outcome.ci_high, outcome.n) == (11.5, 11, 12, 100)
    assert (outcome.threshold, outcome.direction, outcome.unit) == (10, "above", "points")


def test_the_reason_names_each_measured_fact():
    outcome = decide(
        [
            clause(12.4, 15.4),
            clause(-2.04, -0.6, "within", 2, where="SVHN"),
            clause(0.01, 0.02, "below", 0.5, ""),
        ]
    )
    assert outcome.reason == (
        "On MNIST, it loses 13.9 points (95 % CI 12.4 to 15.4 over 100 images; claim: more than 10 "
        "points); it loses 0.015 (95 % CI 0.010 to 0.020 over 100 images; claim: less than 0.5). "
        "On SVHN, it loses −1.3 points (95 % CI −2.0 to −0.6 over 100 images; claim: at most 2 "
        "points either way)."
    )


def test_the_reason_counts_a_family_and_names_its_weakest():
    many = [clause(*side)._replace(family="f") for side in (HOLDS, FAILS, (4, 7), OPEN)]
    reason = decide([*many, clause(12.4, 15.4), clause(14, 15)._replace(family="g")]).reason
    assert reason == (
        "On MNIST, of 4 comparisons 1 are reproduced, 2 contradicted and 1 inconclusive; the weakest: "
        "it loses 5.5 points (95 % CI 4.0 to 7.0 over 100 images; claim: more than 10 points); "
        "it loses 13.9 points (95 % CI 12.4 to 15.4 over 100 images; claim: more than 10 points); "
        "it loses 14.5 points (95 % CI 14.0 to 15.0 over 100 images; claim: more than 10 points)."
    )
    elsewhere = [clause(*HOLDS, where="SVHN")._replace(family="f") for _ in range(2)]
    assert "On SVHN, of 2 comparisons 2 are" in decide([*many, *elsewhere]).reason


def test_not_run():
    outcome = not_run("nothing there")
    assert (outcome.verdict, outcome.n, outcome.reason) == ("not run", 0, "nothing there")


def test_a_threshold_below_zero_has_a_minus_sign():
    assert "claim: less than −0.5 points)" in decide([clause(-2, -1, "below", -0.5)]).reason


def test_an_invented_threshold_is_called_ours():
    assert "claim: more than 10 points, our threshold)" in decide([clause(*HOLDS)], True).reason
    assert "our" not in decide([clause(1, 2, threshold=0.0)], True).reason
    assert "claim: more than 0)" in decide([clause(1, 2, threshold=0.0)]).reason


def test_the_reason_tells_of_simultaneous_intervals():
    both = [clause(*HOLDS)._replace(comparisons=25, where=place) for place in ("MNIST", "SVHN")]
    reason = decide(both).reason
    assert reason.count("99.8 % CI 11.0 to 13.0 over 100 images") == 2
    assert reason.count("; intervals are simultaneous over 25 comparisons.") == 2


def counted(sides, needed, where="MNIST"):
    return [clause(*side)._replace(family="counted", needed=needed, where=where) for side in sides]


@pytest.mark.parametrize(
    "sides, needed, verdict",
    [
        ([HOLDS, HOLDS, FAILS], 2, "reproduced"),
        ([HOLDS, OPEN, FAILS], 2, "inconclusive"),
        ([HOLDS, FAILS, FAILS], 2, "contradicted"),
        ([FAILS, FAILS, OPEN], 1, "inconclusive"),
        ([FAILS, FAILS, FAILS], 1, "contradicted"),
        ([HOLDS, HOLDS, OPEN], 3, "inconclusive"),
        ([HOLDS, HOLDS, FAILS], 3, "contradicted"),
    ],
)
def test_a_count_needs_so_many(sides, needed, verdict):
    for order in (sides, sides[::-1]):
        assert decide(counted(order, needed)).verdict == verdict
    elsewhere = counted([FAILS] * 3, 1, "SVHN")
    assert decide([*counted(sides, needed), *elsewhere]).verdict == "contradicted"


@given(st.lists(st.sampled_from([HOLDS, FAILS, OPEN]), min_size=1, max_size=9), st.data())
def test_a_count_agrees_with_counting(sides, data):
    needed = data.draw(st.integers(1, len(sides)))
    verdict = decide(counted(sides, needed)).verdict
    assert (verdict == "reproduced") == (sides.count(HOLDS) >= needed)
    assert (verdict == "contradicted") == (sides.count(FAILS) >= len(sides) - needed + 1)


def test_the_reason_of_a_count_names_the_one_that_decides():
    found = decide(counted([HOLDS, (30, 31), FAILS, OPEN], 2))
    assert found.reason == (
        "On MNIST, of 4 comparisons 2 are reproduced, 1 contradicted and 1 inconclusive; where at "
        "least 2 are needed, number 2 from the top: it loses 12.0 points (95 % CI 11.0 to 13.0 over "
        "100 images; claim: more than 10 points)."
    )
    assert (found.effect, len(deciding(counted([HOLDS] * 4, 2)))) == (12, 1)


@pytest.mark.parametrize("low, high, held", [(9.9, 10.3, True), (9, 11, False), (9.5, 9.9, False)])
def test_a_point_value_has_to_lie_beyond_the_threshold(low, high, held):
    assert holds(clause(low, high)) == held
    assert holds(clause(-high, -low, "below", -10.0)) == held
    assert holds(clause(low, high)._replace(margin=5.0)) == held
