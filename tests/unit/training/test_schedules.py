"""Schedules: their values, their first drop, what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passband.dependencies import declared
from passband.errors import UserError
from passband.training.schedules import SCHEDULES, first_drop, rate_share


def steps(milestones: list, factors: list) -> dict:
    return {"kind": "steps", "milestones": milestones, "factors": factors}


@given(epoch=st.floats(0, 99.99))
def test_steps_multiply_at_each_milestone(epoch):
    expected = 1 if epoch < 75 else 0.1 if epoch < 90 else 0.01
    assert rate_share(steps([75, 90], [0.1, 0.1]), epoch, 100) == pytest.approx(expected)


@given(warmup=st.sampled_from([0.0, 0.2, 0.5]), epochs=st.integers(1, 50))
def test_one_cycle_rises_linearly_and_falls_as_a_cosine(warmup, epochs):
    def rate(share: float) -> float:
        return rate_share({"kind": "one-cycle", "warmup": warmup}, share * epochs, epochs)

    if warmup:
        assert rate(0) == 0
        assert rate(warmup / 2) == pytest.approx(1 / 2)
    assert rate(warmup) == pytest.approx(1)
    assert rate(warmup + (1 - warmup) / 2) == pytest.approx(1 / 2)
    assert rate(warmup + (1 - warmup) / 3) == pytest.approx(3 / 4)
    assert 0 <= rate(0.9999) < 1e-3


@given(epochs=st.integers(3, 60), share=st.floats(0, 0.999))
def test_cyclic_is_the_interpolation_of_fast_adversarial_training(epochs, share):
    expected = np.interp(share * epochs, [0, epochs * 2 // 5, epochs], [0, 1, 0])
    assert rate_share({"kind": "cyclic"}, share * epochs, epochs) == pytest.approx(expected)


@given(epochs=st.integers(1, 40), share=st.floats(0, 0.999))
def test_constant_stays_at_the_peak(epochs, share):
    assert rate_share({"kind": "constant"}, share * epochs, epochs) == 1


def test_unequal_numbers_of_milestones_and_factors_are_a_user_error():
    with pytest.raises(UserError, match="2 milestones and 1 factors, expected as many of each"):
        rate_share(steps([1, 2], [0.1]), 0, 5)


def test_declared_schedules_are_those_registered():
    assert list(declared("training/schedules")) == SCHEDULES.names()
    assert list(declared("training/schedules")["steps"].keywords) == ["milestones", "factors"]


@pytest.mark.parametrize(
    ("milestones", "factors", "epochs", "expected"),
    [
        ([75, 90], [0.1, 0.1], 100, 75),
        ([100, 150], [0.1, 0.1], 200, 100),
        ([3], [0.25], 9, 3),
        ([2, 4], [0.5, 0.5], 9, 4),
        ([1, 2, 3], [0.8, 0.6, 0.5], 9, 3),
        ([20], [0.1], 20, None),
        ([2], [0.9], 9, None),
        ([2, 5], [3.0, 0.08], 9, 5),
    ],
)
def test_first_drop_of_steps(milestones, factors, epochs, expected):
    assert first_drop(steps(milestones, factors), epochs) == expected


@pytest.mark.parametrize(("warmup", "share"), [(0.1, 0.7), (0.4, 0.8), (0.25, 0.75), (0.7, 0.9)])
@pytest.mark.parametrize("epochs", [11, 12, 15, 20, 40, 60, 100, 120, 200])
def test_first_drop_of_one_cycle_is_two_thirds_down(warmup, share, epochs):
    expected = next(epoch for epoch in range(epochs) if epoch / epochs >= share - 1e-12)
    assert first_drop({"kind": "one-cycle", "warmup": warmup}, epochs) == expected


def test_schedules_that_never_fall_to_a_quarter_have_no_drop():
    assert first_drop({"kind": "one-cycle", "warmup": 0.3}, 1) is None
    assert first_drop({"kind": "one-cycle", "warmup": 0.3}, 4) is None
    assert first_drop({"kind": "constant"}, 10) is None


def test_first_drop_of_cyclic_is_three_quarters_down():
    assert first_drop({"kind": "cyclic"}, 30) == 26  # peak at 12, (30 - 26) / 18 < 1/4
