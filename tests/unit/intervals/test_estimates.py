"""The intervals cover what they say, and are never narrower than the data allow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from passband.intervals.accuracies import accuracy_interval
from passband.intervals.estimates import (
    Interval,
    answers_interval,
    average,
    combination,
    difference,
    majority_interval,
    mean_interval,
    rank_correlation_interval,
    sample_interval,
    with_seeds,
)

TRIALS = 1000


def coverage(draw, truth, span=None, trials=TRIALS):
    rng = np.random.default_rng(3)
    intervals = [mean_interval(draw(rng), span) for _ in range(trials)]
    return np.mean([one.low <= truth <= one.high for one in intervals])


@pytest.mark.parametrize("n", [40, 200, 2000])
@pytest.mark.parametrize("p", [0.002, 0.02, 0.1, 0.5, 0.93])
def test_proportions_are_covered(n, p):
    found = coverage(lambda rng: rng.random(n) < p, p, (0, 1))
    assert found >= 0.935
    if n * p * (1 - p) > 20:
        assert found <= 0.965


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("gained, lost", [(0.0, 0.01), (0.01, 0.02), (0.05, 0.15), (0.3, 0.1)])
def test_paired_differences_are_covered(n, gained, lost):
    chances = [lost, 1 - gained - lost, gained]
    found = coverage(lambda rng: rng.choice([-1, 0, 1], n, p=chances), gained - lost, (-1, 1))
    assert found >= 0.935
    if n * (gained + lost) > 20:
        assert found <= 0.975


def test_continuous_scores_are_covered():
    found = coverage(lambda rng: rng.gamma(2.0, size=60), 2.0)
    assert 0.92 <= found <= 0.965


@pytest.mark.parametrize("spread", [0.0, 0.005, 0.05])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_seeds_are_covered(seeds, spread):
    def accuracies(rng):
        levels = np.clip(0.7 + spread * rng.standard_normal(seeds), 0, 1)
        return rng.random((seeds, 400)) < levels[:, None]

    assert coverage(accuracies, 0.7, (0, 1), trials=1000) >= 0.94


def test_images_that_all_seeds_find_hard_are_covered():
    def accuracies(rng):
        return rng.random((3, 300)) < rng.beta(0.7, 0.3, 300)

    assert coverage(accuracies, 0.7, (0, 1), trials=1000) >= 0.93


@pytest.mark.parametrize("n", [2, 10, 200, 10_000])
@pytest.mark.parametrize("value", [0, 1])
def test_equal_answers_leave_room_for_doubt(n, value):
    found = mean_interval(np.full(n, value), (0, 1))
    exact = binomtest(value * n, n).proportion_ci(method="exact")
    assert found.effect == value
    assert found.low <= exact.low and found.high >= exact.high
    assert 0 <= found.low < found.high <= 1


def test_equal_pairs_leave_room_for_doubt():
    found = mean_interval(np.zeros(1000), (-1, 1))
    assert found.low == pytest.approx(-found.high) and 0.003 < found.high < 0.005


def test_a_large_sample_gives_the_normal_interval():
    scores = np.repeat([0, 1], [30_000, 70_000])
    found = mean_interval(scores, (0, 1))
    half = 1.96 * np.sqrt(0.7 * 0.3 / 100_000)
    assert (found.low, found.high) == pytest.approx((0.7 - half, 0.7 + half), abs=2e-5)


@given(
    st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=6, max_size=6), min_size=1, max_size=4)
)
def test_the_effect_lies_inside_and_signs_mirror(rows):
    scores = np.array(rows)
    found, mirrored = mean_interval(scores, (-1, 1)), mean_interval(-scores, (-1, 1))
    assert found.low <= found.effect <= found.high
    assert found.low < found.high
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_units_scale():
    scores = np.random.default_rng(0).integers(0, 2, (2, 50))
    one, hundred = mean_interval(scores, (0, 1)), mean_interval(100.0 * scores, (0, 100))
    assert hundred[:3] == pytest.approx([100 * value for value in one[:3]])


def test_images_without_a_finite_score_are_left_out():
    found = mean_interval(np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]]))
    assert (found.effect, found.n) == (2.0, 2)
    with pytest.raises(ValueError, match="finite"):
        mean_interval(np.array([np.nan]))


def test_one_image_tells_nothing():
    assert mean_interval(np.array([5.0])) == Interval(5.0, -np.inf, np.inf, 1)


def test_seeds_add_in_quadrature():
    found = with_seeds(Interval(1.0, 0.7, 1.4, 9), np.array([0.0, 1.0, 2.0]))
    half = 4.302653 / np.sqrt(3)
    assert found.low == pytest.approx(1 - np.hypot(0.3, half))
    assert found.high == pytest.approx(1 + np.hypot(0.4, half))


def test_independent_samples_add_in_quadrature():
    found = difference(Interval(5, 4, 7, 100), Interval(3, 2.5, 3.2, 50))
    assert found == pytest.approx((2, 2 - np.hypot(1, 0.2), 2 + np.hypot(2, 0.5), 50))


def test_an_average_of_independent_samples():
    one, other = Interval(5, 4, 7, 100), Interval(3, 2.5, 3.2, 50)
    found = average([one, other])
    assert found == pytest.approx((4, 4 - np.hypot(1, 0.5) / 2, 4 + np.hypot(2, 0.2) / 2, 50))
    assert average([one]) == one
    exact = average([Interval(value, value, value, 1) for value in (1, 2, 6)])
    assert exact == Interval(3, 3, 3, 1)


def test_averages_are_covered():
    rng = np.random.default_rng(5)
    chances, found = np.array([0.1, 0.5, 0.8]), 0
    for _ in range(TRIALS):
        samples = rng.random((200, 3)) < chances
        interval = average([mean_interval(one, (0, 1)) for one in samples.T])
        found += interval.low <= chances.mean() <= interval.high
    assert 0.935 <= found / TRIALS <= 0.97


def test_a_majority_of_directions():
    rng = np.random.default_rng(1)
    shift = np.repeat([0.5, -0.5], [80, 20])
    differences = (shift[:, None] + rng.standard_normal((1, 100, 200))).astype(np.float32)
    found = majority_interval(differences, np.ones(100))
    assert found.effect == 0.8 and 0.75 < found.low <= 0.8 <= found.high < 0.85
    opposite = majority_interval(-differences, np.ones(100))
    assert opposite.effect == pytest.approx(0.2) and opposite.high < 0.5
    assert found == majority_interval(differences, np.ones(100)), "the bootstrap repeats itself"


def test_no_difference_is_no_majority():
    found = majority_interval(np.zeros((2, 10, 30), np.float32), np.ones(10))
    assert found[:3] == (0.5, 0.5, 0.5)
    noise = np.random.default_rng(2).standard_normal((1, 60, 50)).astype(np.float32)
    found = majority_interval(noise, np.ones(60))
    assert found.low < 0.5 < found.high


def test_directions_count_by_their_weight():
    differences = np.array([[[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]]], dtype=np.float32)
    assert majority_interval(differences, np.array([3.0, 1.0])).effect == 0.75


# ---- what is drawn as error bars and judged as reach is never negative


shares = st.tuples(st.integers(1, 3), st.integers(2, 400)).flatmap(
    lambda shape: st.lists(st.integers(0, shape[1]), min_size=shape[0], max_size=shape[0]).map(
        lambda right: np.arange(shape[1]) < np.array(right)[:, None]
    )
)


@given(shares, st.sampled_from([(1.0, 0.0), (100.0, 0.0), (-100.0, 100.0), (0.1, 0.7)]))
def test_every_interval_contains_its_estimate(right, scale):
    """At 0 of n and n of n, too, in every unit, over seeds and in combinations."""
    scores = scale[0] * right + scale[1]
    span = tuple(sorted((scale[1], scale[0] + scale[1])))
    found = [mean_interval(scores, span), mean_interval(scores), sample_interval(list(scores))]
    found += [combination([0.1, -0.7, 3.0], found), average(found), difference(*found[:2])]
    found.append(majority_interval(scores[:, None].astype(np.float32), np.ones(1), resamples=50))
    for one in found:
        assert one.low <= one.effect <= one.high, one


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=40).filter(
        lambda pairs: all(len(set(column)) > 1 for column in zip(*pairs, strict=True))
    )
)
def test_the_interval_of_a_rank_correlation_contains_it(pairs):
    found = rank_correlation_interval(*np.array(pairs, dtype=float).T)
    assert -1 <= found.low <= found.effect <= found.high <= 1


def test_answers_have_the_interval_of_an_accuracy_unless_some_are_means():
    answers = 100.0 * (np.arange(60).reshape(2, 30) % 4 == 0)
    found = answers_interval(answers)
    assert found == Interval(*accuracy_interval(answers.mean(1).tolist(), 30), 30)
    answers[0, 0] = 40
    assert answers_interval(answers) == mean_interval(answers, span=(0, 100))
