"""Filters against NumPy and SciPy in double precision, and as rows of config."""

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passband.errors import UserError
from passband.spectra.bases import basis_images, frequencies
from passband.spectra.filters import FILTERS, apply, describe, size_of
from passband.spectra.filters.square import kept, square

KEEPS = ["low", "high"]
SIDES = st.sampled_from([2, 4, 8, 14, 28, 32])


@st.composite
def cases(draw, size: int = 2):
    """(images float64 [size, 1, side, side] in [0, 1], an even bandwidth that fits)."""
    side = draw(SIDES)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return torch.from_numpy(generator.random((size, 1, side, side))), 2 * draw(
        st.integers(0, side // 2)
    )


def gain(keep: str, side: int, bandwidth: int) -> np.ndarray:
    """Real factor by which the filter scales each signed frequency (both axes from -side/2).

    The square keeps index side/2 - k/2 (frequency -k/2) but not side/2 + k/2, so that frequency
    pairs on its edge are halved by taking the real part.
    """
    centre = range(side // 2 - bandwidth // 2, side // 2 + bandwidth // 2)
    square = np.zeros((side, side))
    for row in centre:
        for column in centre:
            square[row, column] = 1
    if keep == "high":
        square = np.fft.fftshift(square)
    mirrored = np.roll(square[::-1, ::-1], (1, 1), (0, 1))
    return (square + mirrored) / 2


@settings(max_examples=60, deadline=None)
@given(case=cases(), keep=st.sampled_from(KEEPS))
def test_filters_equal_an_independent_implementation(case, keep):
    images, bandwidth = case
    side = images.shape[-1]
    spectrum = scipy.fft.fftshift(scipy.fft.fft2(images.numpy()), axes=(-2, -1))
    expected = scipy.fft.ifft2(
        scipy.fft.ifftshift(spectrum * gain(keep, side, bandwidth), axes=(-2, -1))
    )
    assert np.abs(expected.imag).max() < 1e-12
    got = square(images, keep=keep, bandwidth=bandwidth)
    np.testing.assert_allclose(got.numpy(), expected.real, atol=1e-12)


@pytest.mark.parametrize(
    ("side", "bandwidth", "indices"), [(32, 16, range(8, 24)), (28, 14, range(7, 21)), (8, 0, [])]
)
def test_kept_indices_are_the_papers_square(side, bandwidth, indices):
    assert kept(side, bandwidth).nonzero().flatten().tolist() == list(indices)


@pytest.mark.parametrize("side", [4, 28, 32, 64])
def test_along_one_axis_the_two_filters_are_complementary(side):
    for bandwidth in range(0, side + 1, 2):
        low = torch.fft.ifftshift(kept(side, bandwidth))
        high = kept(side, side - bandwidth)
        assert torch.equal(low, ~high)


@pytest.mark.parametrize("keep", KEEPS)
def test_full_bandwidth_is_the_identity_and_none_is_nothing(keep):
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(square(images, keep=keep, bandwidth=32), images, atol=1e-6, rtol=0)
    assert not square(images, keep=keep, bandwidth=0).any()


@settings(max_examples=30, deadline=None)
@given(case=cases(), keep=st.sampled_from(KEEPS), shift=st.integers(0, 31))
def test_filters_are_linear_symmetric_and_commute_with_shifts(case, keep, shift):
    images, bandwidth = case
    filtered = square(images, keep=keep, bandwidth=bandwidth)
    combined = square(2 * images[:1] - images[1:], keep=keep, bandwidth=bandwidth)
    torch.testing.assert_close(combined, 2 * filtered[:1] - filtered[1:])
    inner = ((filtered[0] * images[1]).sum(), (images[0] * filtered[1]).sum())
    torch.testing.assert_close(*inner)
    rolled = square(images.roll((shift, -shift), (-2, -1)), keep=keep, bandwidth=bandwidth)
    torch.testing.assert_close(rolled, filtered.roll((shift, -shift), (-2, -1)))


@settings(max_examples=30, deadline=None)
@given(case=cases(), keep=st.sampled_from(KEEPS))
def test_filtering_twice_changes_only_the_edge_of_the_square(case, keep):
    images, bandwidth = case
    side = images.shape[-1]
    once = square(images, keep=keep, bandwidth=bandwidth)
    twice = square(once, keep=keep, bandwidth=bandwidth)
    difference = scipy.fft.fftshift(scipy.fft.fft2((twice - once).numpy()), axes=(-2, -1))
    factor = gain(keep, side, bandwidth)
    inside_or_outside = (factor == 0) | (factor == 1)
    assert np.abs(difference[..., inside_or_outside]).max(initial=0) < 1e-9


@settings(max_examples=30, deadline=None)
@given(case=cases(size=1), keep=st.sampled_from(KEEPS))
def test_energy_grows_with_bandwidth(case, keep):
    images, _ = case
    side = images.shape[-1]
    energy = [
        square(images, keep=keep, bandwidth=k).square().sum().item() for k in range(0, side + 1, 2)
    ]
    assert np.all(np.diff(energy) >= -1e-9)
    assert energy[-1] == pytest.approx(images.square().sum().item())


@pytest.mark.parametrize("bandwidth", [-2, 3, 34])
@pytest.mark.parametrize("keep", KEEPS)
def test_a_bandwidth_that_does_not_fit_is_a_user_error(keep, bandwidth):
    with pytest.raises(UserError, match=f"bandwidth {bandwidth} does not fit images of side 32"):
        square(torch.rand(1, 32, 32), keep=keep, bandwidth=bandwidth)


def test_filters_take_any_leading_axes_and_keep_type_and_values_unclipped():
    images = (torch.rand(2, 5, 3, 16, 16) > 0.5).float()
    filtered = square(images, keep="low", bandwidth=6)
    assert filtered.shape == images.shape and filtered.dtype == torch.float32
    torch.testing.assert_close(filtered[1, 2, 0], square(images[1, 2, 0], keep="low", bandwidth=6))
    assert filtered.min() < 0 and filtered.max() > 1


@pytest.mark.parametrize("side", [8, 28, 32])
def test_filters_pass_or_stop_single_frequencies(side):
    pairs = frequencies(side)
    waves = basis_images(pairs, side)
    bandwidth = side // 4 * 2
    highest = pairs.abs().amax(1)
    lowest = pairs.abs().amin(1)
    low, high = (
        square(waves, keep="low", bandwidth=bandwidth),
        square(waves, keep="high", bandwidth=side - bandwidth),
    )
    inside, outside = highest < bandwidth // 2, highest > bandwidth // 2
    torch.testing.assert_close(low[inside], waves[inside], atol=1e-6, rtol=0)
    assert low[outside].abs().max() < 1e-6
    inside, outside = lowest > bandwidth // 2, lowest < bandwidth // 2
    torch.testing.assert_close(high[inside], waves[inside], atol=1e-6, rtol=0)
    assert high[outside].abs().max() < 1e-6


def test_rows_give_their_size_as_a_share_of_the_side_or_as_it_is():
    images = torch.rand(2, 3, 28, 28)
    row = {"name": "half", "shape": "square", "keep": "low", "bandwidth": "1/2"}
    assert torch.equal(apply(row, images), square(images, keep="low", bandwidth=14))
    whole = apply(row | {"bandwidth": 6}, images)
    assert torch.equal(whole, square(images, keep="low", bandwidth=6))
    assert [size_of(row | {"bandwidth": share}, 28) for share in ("1/8", "1", 6)] == [4, 28, 6]
    assert describe(row | {"keep": "high"}, 32) == "filter=half;shape=square;keep=high;bandwidth=16"


@pytest.mark.parametrize(
    ("side", "share", "expected"),
    [(32, "1/2", 16), (64, "1/2", 32), (28, "1/8", 4), (32, "1", 32), (64, 8, 8)],
)
def test_shares_of_the_side_are_even(side, share, expected):
    row = {"name": "some", "shape": "square", "keep": "low", "bandwidth": share}
    assert size_of(row, side) == expected


def test_an_unregistered_shape_is_a_user_error_with_the_nearest():
    with pytest.raises(UserError, match="unknown filter shape 'sqare': did you mean 'square'"):
        FILTERS["sqare"]
