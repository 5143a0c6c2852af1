"""Statistics of spectra against NumPy and SciPy in double precision."""

import numpy as np
import pytest
import scipy.fft
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passband.spectra.amplitudes import (
    amplitude,
    amplitude_by_radius,
    autocorrelation,
    dc_share,
    energy_share,
)

SIDES = st.sampled_from([2, 4, 8, 14, 28, 32])


@st.composite
def pictures(draw, size: int = 2):
    """Images float64 [size, 1, side, side] in [0, 1]."""
    side = draw(SIDES)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return torch.from_numpy(generator.random((size, 1, side, side)))


@settings(max_examples=20, deadline=None)
@given(images=pictures())
def test_amplitude_equals_scipy(images):
    expected = np.abs(scipy.fft.fftshift(scipy.fft.fft2(images.numpy()), axes=(-2, -1)))
    np.testing.assert_allclose(amplitude(images).numpy(), expected, atol=1e-10)
    side = images.shape[-1]
    centre = amplitude(images)[..., side // 2, side // 2]
    torch.testing.assert_close(centre, images.sum((-2, -1)).abs())


@settings(max_examples=20, deadline=None)
@given(images=pictures())
def test_energy_share_equals_a_plain_sum(images):
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


def test_dc_share_is_the_squared_mean_over_the_mean_square():
    images = torch.tensor([[[3.0, 1.0], [1.0, -1.0]], [[2.0, 2.0], [2.0, 2.0]]])
    torch.testing.assert_close(dc_share(amplitude(images)), torch.tensor([1 / 3, 1.0]))
    torch.testing.assert_close(dc_share(torch.zeros(1, 4, 4)), torch.tensor([1 / 16]))


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
