"""Filters, basis images and statistics against NumPy and SciPy in double precision."""

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passband.errors import UserError
from passband.spectra.bases import basis_images, frequencies, full_plane
from passband.spectra.filters import FILTERS, highpass, kept, lowpass
from passband.spectra.amplitudes import (
    amplitude,
    amplitude_by_radius,
    autocorrelation,
    energy_share,
)

SIDES = st.sampled_from([2, 4, 8, 14, 28, 32])


@st.composite
def cases(draw, size: int = 2):
    """(images float64 [size, 1, side, side] in [0, 1], an even bandwidth that fits)."""
    side = draw(SIDES)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return torch.from_numpy(generator.random((size, 1, side, side))), 2 * draw(
        st.integers(0, side // 2)
    )


def gain(name: str, side: int, bandwidth: int) -> np.ndarray:
    """Real factor by which the filter scales each signed frequency (both axes from -side/2).

    The square keeps index side/2 - k/2 (frequency -k/2) but not side/2 + k/2, so that frequency
    pairs on its edge are halved by taking the real part.
    """
    centre = range(side // 2 - bandwidth // 2, side // 2 + bandwidth // 2)
    square = np.zeros((side, side))
    for row in centre:
        for column in centre:
            square[row, column] = 1
    if name == "highpass":
        square = np.fft.fftshift(square)
    mirrored = np.roll(square[::-1, ::-1], (1, 1), (0, 1))
    return (square + mirrored) / 2


@settings(max_examples=60, deadline=None)
@given(case=cases(), name=st.sampled_from(FILTERS.names()))
def test_filters_equal_an_independent_implementation(case, name):
    images, bandwidth = case
    side = images.shape[-1]
    spectrum = scipy.fft.fftshift(scipy.fft.fft2(images.numpy()), axes=(-2, -1))
    expected = scipy.fft.ifft2(
        scipy.fft.ifftshift(spectrum * gain(name, side, bandwidth), axes=(-2, -1))
    )
    assert np.abs(expected.imag).max() < 1e-12
    got = FILTERS[name](images, bandwidth)
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


@pytest.mark.parametrize("apply", [lowpass, highpass])
def test_full_bandwidth_is_the_identity_and_none_is_nothing(apply):
    images = torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(apply(images, 32), images, atol=1e-6, rtol=0)
    assert not apply(images, 0).any()


@settings(max_examples=30, deadline=None)
@given(case=cases(), name=st.sampled_from(FILTERS.names()), shift=st.integers(0, 31))
def test_filters_are_linear_symmetric_and_commute_with_shifts(case, name, shift):
    images, bandwidth = case
    filtered = FILTERS[name](images, bandwidth)
    torch.testing.assert_close(FILTERS[name](2 * images[:1] - images[1:], bandwidth),
                               2 * filtered[:1] - filtered[1:])  # fmt: skip
    inner = ((filtered[0] * images[1]).sum(), (images[0] * filtered[1]).sum())
    torch.testing.assert_close(*inner)
    rolled = FILTERS[name](images.roll((shift, -shift), (-2, -1)), bandwidth)
    torch.testing.assert_close(rolled, filtered.roll((shift, -shift), (-2, -1)))


@settings(max_examples=30, deadline=None)
@given(case=cases(), name=st.sampled_from(FILTERS.names()))
def test_filtering_twice_changes_only_the_edge_of_the_square(case, name):
    images, bandwidth = case
    side = images.shape[-1]
    once = FILTERS[name](images, bandwidth)
    twice = FILTERS[name](once, bandwidth)
    difference = scipy.fft.fftshift(scipy.fft.fft2((twice - once).numpy()), axes=(-2, -1))
    factor = gain(name, side, bandwidth)
    inside_or_outside = (factor == 0) | (factor == 1)
    assert np.abs(difference[..., inside_or_outside]).max(initial=0) < 1e-9


@settings(max_examples=30, deadline=None)
@given(case=cases(size=1), name=st.sampled_from(FILTERS.names()))
def test_energy_grows_with_bandwidth(case, name):
    images, _ = case
    side = images.shape[-1]
    energy = [FILTERS[name](images, k).square().sum().item() for k in range(0, side + 1, 2)]
    assert np.all(np.diff(energy) >= -1e-9)
    assert energy[-1] == pytest.approx(images.square().sum().item())


@pytest.mark.parametrize("bandwidth", [-2, 3, 34])
@pytest.mark.parametrize("apply", [lowpass, highpass])
def test_a_bandwidth_that_does_not_fit_is_a_user_error(apply, bandwidth):
    with pytest.raises(UserError, match=f"bandwidth {bandwidth} does not fit images of side 32"):
        apply(torch.rand(1, 32, 32), bandwidth)


def test_filters_take_any_leading_axes_and_keep_type_and_values_unclipped():
    images = (torch.rand(2, 5, 3, 16, 16) > 0.5).float()
    filtered = lowpass(images, 6)
    assert filtered.shape == images.shape and filtered.dtype == torch.float32
    torch.testing.assert_close(filtered[1, 2, 0], lowpass(images[1, 2, 0], 6))
    assert filtered.min() < 0 and filtered.max() > 1


@pytest.mark.parametrize("side", [8, 28, 32])
def test_filters_pass_or_stop_single_frequencies(side):
    pairs = frequencies(side)
    waves = basis_images(pairs, side)
    bandwidth = side // 4 * 2
    highest = pairs.abs().amax(1)
    lowest = pairs.abs().amin(1)
    low, high = lowpass(waves, bandwidth), highpass(waves, side - bandwidth)
    inside, outside = highest < bandwidth // 2, highest > bandwidth // 2
    torch.testing.assert_close(low[inside], waves[inside], atol=1e-6, rtol=0)
    assert low[outside].abs().max() < 1e-6
    inside, outside = lowest > bandwidth // 2, lowest < bandwidth // 2
    torch.testing.assert_close(high[inside], waves[inside], atol=1e-6, rtol=0)
    assert high[outside].abs().max() < 1e-6


@pytest.mark.parametrize(("side", "count"), [(4, 10), (8, 34), (28, 394), (32, 514), (64, 2050)])
def test_frequencies_name_each_pair_once(side, count):
    pairs = frequencies(side)
    assert pairs.shape == (count, 2)
    classes = {
        frozenset({(row % side, column % side), (-row % side, -column % side)})
        for row, column in pairs.tolist()
    }
    assert len(classes) == count
    assert set().union(*classes) == {(row, column) for row in range(side) for column in range(side)}


@pytest.mark.parametrize("side", [8, 28, 32])
def test_basis_images_are_orthonormal(side):
    waves = basis_images(frequencies(side), side).flatten(1).double()
    torch.testing.assert_close(
        waves @ waves.T, torch.eye(len(waves), dtype=torch.float64), atol=2e-6, rtol=0
    )


@pytest.mark.parametrize("side", [8, 28, 64])
def test_basis_images_hold_one_frequency_and_its_mirror(side):
    pairs = frequencies(side)
    spectra = np.abs(scipy.fft.fft2(basis_images(pairs, side).double().numpy()))
    for (row, column), spectrum in zip(pairs.tolist(), spectra, strict=True):
        places = {(row % side, column % side), (-row % side, -column % side)}
        assert {tuple(place) for place in np.argwhere(spectrum > 1e-3).tolist()} == places
        assert spectrum.sum() == pytest.approx(side * len(places) ** 0.5, rel=1e-3)


@pytest.mark.parametrize("side", [8, 32])
def test_full_plane_puts_each_value_at_both_frequencies(side):
    pairs = frequencies(side)
    values = torch.arange(len(pairs)).float()
    plane = full_plane(values, pairs, side)
    assert plane.shape == (side, side) and plane.isfinite().all()
    assert sorted(plane.unique().tolist()) == values.tolist()
    assert torch.equal(plane, plane.flip(0, 1).roll((1, 1), (0, 1)))
    zero = (pairs == 0).all(1)
    assert plane[side // 2, side // 2] == values[zero]
    for (row, column), value in zip(pairs.tolist(), values, strict=True):
        assert plane[(row + side // 2) % side, (column + side // 2) % side] == value


@settings(max_examples=20, deadline=None)
@given(case=cases())
def test_amplitude_equals_scipy(case):
    images, _ = case
    expected = np.abs(scipy.fft.fftshift(scipy.fft.fft2(images.numpy()), axes=(-2, -1)))
    np.testing.assert_allclose(amplitude(images).numpy(), expected, atol=1e-10)
    side = images.shape[-1]
    centre = amplitude(images)[..., side // 2, side // 2]
    torch.testing.assert_close(centre, images.sum((-2, -1)).abs())


@settings(max_examples=20, deadline=None)
@given(case=cases())
def test_energy_share_equals_a_plain_sum(case):
    images, _ = case
    side = images.shape[-1]
    bandwidths = list(range(2, side + 1, 2))
    spectrum = amplitude(images[:, 0])
    got = energy_share(spectrum, bandwidths).numpy()
    energy = np.abs(scipy.fft.fftshift(scipy.fft.fft2(images[:, 0].numpy()), axes=(-2, -1))) ** 2
    for row, k in zip(got, bandwidths, strict=True):
        window = slice(side // 2 - k // 2, side // 2 + k // 2)
        expected = energy[:, window, window].sum((1, 2)) / energy.sum((1, 2))
        np.testing.assert_allclose(row, expected, rtol=1e-5)
    assert np.all(np.diff(got, axis=0) >= 0)
    np.testing.assert_allclose(got[-1], 1, rtol=1e-6)


def test_energy_bandwidth_of_white_noise_and_of_nothing_is_the_squares_share():
    noise = torch.randn(200, 32, 32, generator=torch.Generator().manual_seed(0))
    share = energy_share(amplitude(noise), [8, 16]).mean(1)
    torch.testing.assert_close(share, torch.tensor([1 / 16, 1 / 4]), rtol=0.03, atol=0)
    nothing = energy_share(torch.zeros(2, 32, 32), [8, 32])
    torch.testing.assert_close(nothing, torch.tensor([[1 / 16, 1 / 16], [1.0, 1.0]]))


@pytest.mark.parametrize("side", [4, 28, 32])
def test_amplitude_by_radius_is_the_mean_of_each_square_ring(side):
    spectrum = torch.rand(3, side, side)
    got = amplitude_by_radius(spectrum)
    assert got.shape == (side // 2 + 1, 3)
    cells = [[] for _ in range(side // 2 + 1)]
    for row in range(side):
        for column in range(side):
            ring = max(abs(row - side // 2), abs(column - side // 2))
            cells[ring].append(spectrum[:, row, column])
    expected = torch.stack([torch.stack(ring).mean(0) for ring in cells])
    torch.testing.assert_close(got, expected)


def test_a_point_has_the_same_amplitude_everywhere():
    point = torch.zeros(1, 16, 16)
    point[0, 3, 5] = 1
    torch.testing.assert_close(amplitude_by_radius(amplitude(point)), torch.ones(9, 1))


def test_autocorrelation_of_known_patterns():
    row = torch.arange(16)
    checkerboard = ((row[:, None] + row) % 2).float()
    stripes = (row % 2).float().expand(16, 16)
    ramp = (row[:, None] + row).float()
    patterns = torch.stack([checkerboard, stripes, torch.full((16, 16), 0.3), ramp])[:, None]
    got = autocorrelation(patterns)
    torch.testing.assert_close(got[:3], torch.tensor([-1.0, 0.0, 0.0]), atol=1e-5, rtol=0)
    assert got[3] > 0.8


def test_autocorrelation_equals_numpy_and_is_zero_for_white_noise():
    noise = torch.randn(50, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    got = autocorrelation(noise).numpy()
    for image, value in zip(noise.double().numpy(), got, strict=True):
        centred = image - image.mean()
        down = (centred[:, 1:] * centred[:, :-1]).mean()
        right = (centred[:, :, 1:] * centred[:, :, :-1]).mean()
        assert value == pytest.approx((down + right) / 2 / image.var(), abs=1e-5)
    assert abs(got.mean()) < 0.01


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), shift=st.floats(-1, 1))
def test_autocorrelation_ignores_scale_and_offset(scale, shift):
    image = torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(3)).double()
    torch.testing.assert_close(autocorrelation(scale * image + shift), autocorrelation(image))
