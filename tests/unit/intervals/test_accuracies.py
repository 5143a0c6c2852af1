"""One accuracy has one interval, in figures and in findings."""

from statistics import mean

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, sem, t

from passband.intervals.accuracies import accuracy_interval, over_seeds, wilson
from passband.intervals.estimates import mean_interval

counts = st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("n", [1, 20, 500, 10_000])
@pytest.mark.parametrize("share", [0, 0.05, 0.5, 0.9, 1])
@pytest.mark.parametrize("level", [0.95, 0.975])
def test_the_interval_over_images_is_wilsons(share, n, level):
    right = round(share * n)
    expected = binomtest(right, n).proportion_ci(level, method="wilson")
    found = wilson(100 * right / n, n, level)
    assert found == pytest.approx([100 * expected.low, 100 * expected.high], abs=1e-9)


def test_seeds_add_students_half_width():
    value, low, high = accuracy_interval([60.0, 62.0, 70.0], 500)
    images = wilson(64.0, 500)
    spread = t.ppf(0.975, 2) * sem([60, 62, 70])
    assert value == 64.0
    assert low == pytest.approx(64 - np.hypot(64 - images[0], spread))
    assert high == pytest.approx(64 + np.hypot(images[1] - 64, spread))


@given(counts)
def test_an_interval_contains_its_share(count):
    right, n = count
    percent = 100 * right / n
    low, high = wilson(percent, n)
    assert 0 <= low <= percent <= high <= 100 and low < high


@given(counts.flatmap(lambda one: st.tuples(st.just(one), st.integers(0, one[1]))))
def test_an_interval_over_seeds_contains_the_mean(counted):
    (right, n), other = counted
    values = [100 * right / n, 100 * other / n]
    centre, low, high = accuracy_interval(values, n)
    assert centre == mean(values)
    assert 0 <= low <= centre <= high <= 100


@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 30, 97, 120, 1000, 10_000])
def test_error_bars_are_never_negative(n):
    """Every share of n, as a measurements file has it: six digits, summarised for a figure."""
    values = [float(f"{100 * right / n:.6g}") for right in range(0, n + 1, max(1, n // 500))]
    rows = pd.DataFrame({"row": range(len(values)), "value": values, "n_images": n})
    found = over_seeds(rows, ["row"])
    assert (found["value"] - found["ci_low"] >= 0).all()
    assert (found["ci_high"] - found["value"] >= 0).all()
    assert found["ci_low"].min() >= 0 and found["ci_high"].max() <= 100


@given(st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_mean_contains_it(count):
    right, n = count
    found = mean_interval(100.0 * (np.arange(n) < right), (0, 100))
    assert 0 <= found.low <= found.effect <= found.high <= 100 and found.low < found.high


def test_accuracies_are_summarised_over_seeds():
    rows = pd.DataFrame(
        {"attack": ["b", "a", "b"], "value": [60.0, 10.0, 62.0], "n_images": [500, 500, 400]}
    )
    found = over_seeds(rows, ["attack"])
    assert found["attack"].tolist() == ["b", "a"] and found["seeds"].tolist() == [2, 1]
    first = found.loc[0, ["value", "ci_low", "ci_high", "n_images"]].tolist()
    assert first == [*accuracy_interval([60, 62], 400), 400]
