"""Stateless random numbers: an independent SplitMix64, their statistics, their independence."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from passband.draws import Draws, key_of, permutation

MASK = (1 << 64) - 1
KEYS = st.integers(0, 2**63 - 1)


def splitmix(state: int, count: int) -> list[int]:
    """The published generator on Python's unbounded integers: `count` unsigned 64-bit outputs."""
    outputs = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        outputs.append(mixed(state))
    return outputs


def mixed(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def draws(count: int, key: int = 1) -> Draws:
    return Draws(key, torch.arange(count))


def test_reference_generator_gives_its_published_outputs():
    assert splitmix(1234567, 3) == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@settings(max_examples=30, deadline=None)
@given(key=KEYS, index=st.integers(0, 2**40), purpose=st.text(max_size=5))
def test_bits_equal_the_reference_generator(key, index, purpose):
    start = mixed((index * 0x9E3779B97F4A7C15 + key_of(key, purpose)) & MASK)
    got = Draws(key, torch.tensor([index])).bits(purpose, (2, 3))
    assert got.dtype == torch.int64 and got.shape == (1, 2, 3)
    assert [value & MASK for value in got.flatten().tolist()] == splitmix(start, 6)


def test_numbers_of_every_kind_are_those_of_the_bits():
    some = draws(50)
    bits = [value & MASK for value in some.bits("p", (7,)).flatten().tolist()]
    assert some.uniform("p", (7,)).flatten().tolist() == [(b >> 40) / 2**24 for b in bits]
    assert some.signs("p", (7,)).flatten().tolist() == [-1.0 if b >> 63 else 1.0 for b in bits]
    expected = [(b >> 32) * 9 >> 32 for b in bits]
    assert some.integers("p", 9, (7,)).flatten().tolist() == expected


@settings(max_examples=30, deadline=None)
@given(
    key=KEYS,
    indices=st.lists(st.integers(0, 10**6), min_size=1, max_size=20),
    cut=st.integers(0, 20),
)
def test_draws_do_not_depend_on_the_batch(key, indices, cut):
    indices = torch.tensor(indices)
    whole = Draws(key, indices).uniform("x", (3, 2))
    parts = [Draws(key, part).uniform("x", (3, 2)) for part in (indices[:cut], indices[cut:])]
    assert torch.equal(torch.cat(parts), whole)
    chosen = torch.arange(len(indices)).flip(0)[::2]
    assert torch.equal(Draws(key, indices).take(chosen).uniform("x", (3, 2)), whole[chosen])
    mask = indices % 2 == 0
    assert torch.equal(Draws(key, indices).take(mask).uniform("x", (3, 2)), whole[mask])


def test_an_empty_batch_gives_empty_draws():
    assert Draws(1, torch.arange(0)).uniform("x", (3, 4)).shape == (0, 3, 4)


@pytest.mark.parametrize("vary", ["image", "position", "purpose", "key"])
def test_uniform_is_uniform_along_every_argument(vary):
    count = 5000
    values = {
        "image": lambda: draws(count).uniform("x"),
        "position": lambda: draws(1).uniform("x", (count,))[0],
        "purpose": lambda: torch.cat([draws(1).uniform(i) for i in range(count)]),
        "key": lambda: torch.cat([draws(1, key).uniform("x") for key in range(count)]),
    }[vary]()
    assert values.min() >= 0 and values.max() < 1
    assert stats.kstest(values.numpy(), "uniform").pvalue > 1e-3
    neighbours = np.corrcoef(values[:-1], values[1:])[0, 1]
    assert abs(neighbours) < 4 / count**0.5


def test_different_purposes_keys_and_images_are_uncorrelated():
    rows = [
        Draws(key, torch.arange(start, start + 20)).uniform(purpose, (500,)).flatten()
        for key, purpose, start in product((1, 2), ("a", "b", ("start", 0)), (0, 20))
    ]
    correlation = np.corrcoef(torch.stack(rows)) - np.eye(len(rows))
    assert np.abs(correlation).max() < 4.5 / 10_000**0.5


@pytest.mark.parametrize("vary", ["image", "position", "purpose", "key"])
def test_normal_is_standard_normal_along_every_argument(vary):
    count = 4000
    values = {
        "image": lambda: draws(count).normal("x"),
        "position": lambda: draws(1).normal("x", (count,))[0],
        "purpose": lambda: torch.cat([draws(1).normal(i) for i in range(count)]),
        "key": lambda: torch.cat([draws(1, key).normal("x") for key in range(count)]),
    }[vary]()
    assert values.dtype == torch.float32
    assert stats.kstest(values.numpy(), "norm").pvalue > 1e-3
    neighbours = np.corrcoef(values[:-1], values[1:])[0, 1]
    assert abs(neighbours) < 4 / count**0.5


def test_normal_has_the_moments_and_tails_of_a_normal_distribution():
    values = draws(1000).normal("x", (1000,)).flatten().double()
    error = len(values) ** -0.5
    assert torch.isfinite(values).all() and values.abs().max() <= 5.8
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((values**power).mean().item() - moment) < 4.5 * (variance**0.5) * error
    for bound in (1, 2, 3, 4):
        expected = 2 * stats.norm.sf(bound)
        share = (values.abs() > bound).double().mean().item()
        assert abs(share - expected) < 4.5 * (expected / len(values)) ** 0.5


def test_normal_is_box_and_mullers_transform_of_two_uniforms():
    some = draws(40)
    radius, angle = (
        some.uniform(("p", part), (9,)).double().numpy() for part in ("radius", "angle")
    )
    expected = np.sqrt(-2 * np.log1p(-radius)) * np.cos(2 * np.pi * angle)
    np.testing.assert_allclose(some.normal("p", (9,)).numpy(), expected, atol=2e-6)


def test_normal_draws_do_not_depend_on_the_batch():
    whole = draws(50).normal("x", (3, 2))
    parts = [Draws(1, part).normal("x", (3, 2)) for part in torch.arange(50).split(13)]
    assert torch.equal(torch.cat(parts), whole)
    assert torch.equal(draws(50).take(torch.tensor([4, 2])).normal("x", (3, 2)), whole[[4, 2]])
    assert draws(0).normal("x", (3,)).shape == (0, 3)


@settings(max_examples=20, deadline=None)
@given(high=st.integers(1, 40), key=KEYS)
def test_integers_are_uniform_over_their_range(high, key):
    found = draws(4000, key).integers("x", high)
    counts = torch.bincount(found, minlength=high)
    assert len(counts) == high
    if high > 1:
        assert stats.chisquare(counts.numpy()).pvalue > 1e-6


def test_signs_are_fair_and_independent():
    signs = draws(300).signs("x", (10, 10))
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(signs.mean().item()) < 4 / 30_000**0.5
    by_position = np.corrcoef(signs.flatten(1).T) - np.eye(100)
    assert np.abs(by_position).max() < 5 / 300**0.5


@settings(max_examples=30, deadline=None)
@given(key=KEYS, count=st.integers(0, 200))
def test_permutation_is_one_and_repeats(key, count):
    order = permutation(key, count)
    assert torch.equal(order.sort().values, torch.arange(count))
    assert torch.equal(order, permutation(key, count))


def test_permutations_are_uniform():
    seen = {}
    for key in range(2400):
        order = tuple(permutation(key, 4).tolist())
        seen[order] = seen.get(order, 0) + 1
    assert len(seen) == 24
    assert stats.chisquare(list(seen.values())).pvalue > 1e-3


def test_keys_tell_their_words_apart():
    words = [("ab",), ("a", "b"), ("b", "a"), (1, "a"), (11, "a"), (1, 1), (11,), ("start", 0)]
    keys = [key_of(*each) for each in words]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**63 for key in keys)
    assert key_of(0, "order", 3) == key_of(0, "order", 3)


def test_the_global_random_state_is_not_touched():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    draws(10).uniform("x", (4,))
    permutation(3, 10)
    assert torch.equal(torch.rand(3), expected)
