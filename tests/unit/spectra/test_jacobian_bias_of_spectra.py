"""The low-frequency bias against plain sums in double precision and closed forms."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passband.spectra.jacobian import (
    FLOOR,
    bias_by_image,
    low_frequency_bias,
    one_sided_magnitude,
)


def plain_magnitude(image: np.ndarray) -> np.ndarray:
    """|DFT| of one image by its definition."""
    height, width = image.shape
    down = np.exp(-2j * np.pi * np.outer(np.arange(1 + height // 2), np.arange(height)) / height)
    right = np.exp(-2j * np.pi * np.outer(np.arange(width), np.arange(1 + width // 2)) / width)
    return np.abs(down @ image @ right)


def plain_bias(spectrum: np.ndarray) -> float:
    """Equation 10, product by product."""
    rows, columns = spectrum.shape
    total = 0.0
    for i in range(rows):
        product = 1.0
        for j in range(columns):
            product *= (spectrum[i, j] + 1e-5) ** (1 - 2 * j / (columns - 1) + 1e-5)
        total += product
    for j in range(columns):
        product = 1.0
        for i in range(rows):
            product *= (spectrum[i, j] + 1e-5) ** (1 - 2 * i / (rows - 1) + 1e-5)
        total += product
    return math.log(total)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from([(2, 2), (5, 5), (7, 4), (28, 28), (32, 32)]), st.integers(0, 2**32 - 1))
def test_magnitude_and_bias_equal_their_definitions(shape, seed):
    images = np.random.default_rng(seed).normal(size=(3, 2, *shape))
    got = one_sided_magnitude(torch.from_numpy(images)).numpy()
    expected = np.array([[plain_magnitude(channel) for channel in image] for image in images])
    np.testing.assert_allclose(got, expected, atol=1e-10)
    biases = low_frequency_bias(torch.from_numpy(expected)).numpy()
    plain = [[plain_bias(channel) for channel in image] for image in expected]
    np.testing.assert_allclose(biases, plain, rtol=1e-9)


def power_law(side: int, power: float, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """(1 + R)^-power at the distance R from the DC component; scale and offset are part of it."""
    radius = torch.arange(1 + side // 2, dtype=torch.float64)
    return (1 + (radius[:, None] ** 2 + radius**2).sqrt()).pow(-power).to(dtype)


@pytest.mark.parametrize(
    ("power", "expected"),
    [(0, math.log(34)), (0.5, 5.67), (1, 8.77), (2, 15.89), (-0.5, 2.27), (-1, 1.36)],
)
def test_spectra_of_power_laws_have_known_biases(power, expected):
    for dtype in (torch.float64, torch.float32):
        bias = low_frequency_bias(power_law(32, power, dtype))
        assert bias.item() == pytest.approx(expected, abs=6e-3)


def test_a_power_law_without_the_offset_has_another_bias():
    radius = torch.arange(17, dtype=torch.float64)
    distance = (radius[:, None] ** 2 + radius**2).sqrt().clamp(min=1)
    assert low_frequency_bias(distance**-2).item() == pytest.approx(18.10, abs=6e-3)


def test_equal_values_give_the_logarithm_of_the_number_of_rows_and_columns():
    for side, count in ((28, 30), (32, 34), (64, 66)):
        assert low_frequency_bias(power_law(side, 0)).item() == pytest.approx(math.log(count), 1e-3)


def test_the_mean_spectrum_of_white_noise_is_nearly_flat():
    noise = torch.randn(2000, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    bias = low_frequency_bias(one_sided_magnitude(noise).mean((0, 1)))
    assert bias.item() == pytest.approx(math.log(34), abs=0.1)


def test_scale_cancels_until_it_meets_the_floor():
    spectrum = power_law(32, 1)
    bias = low_frequency_bias(spectrum)
    torch.testing.assert_close(low_frequency_bias(1e3 * spectrum), bias, atol=2e-3, rtol=0)
    flattened = low_frequency_bias(1e-9 * spectrum)
    assert flattened.item() == pytest.approx(math.log(34), abs=1e-2)


def test_extreme_spectra_stay_finite_in_float32():
    spectrum = torch.zeros(33, 33)
    assert low_frequency_bias(spectrum).isfinite()
    spectrum[0, 0] = 1e8
    expected = plain_bias(spectrum.double().numpy())
    assert low_frequency_bias(spectrum).item() == pytest.approx(expected, rel=1e-5)
    assert low_frequency_bias(1e20 * power_law(64, 6, torch.float32)).isfinite()


def test_gradient_equals_finite_differences_twice():
    images = torch.randn(
        2, 1, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    images.requires_grad_()

    def bias(images):
        return low_frequency_bias(one_sided_magnitude(images).mean((0, 1)))

    assert torch.autograd.gradcheck(bias, images)
    assert torch.autograd.gradgradcheck(bias, images)


def test_an_image_of_zeros_has_finite_gradients():
    images = torch.zeros(1, 1, 8, 8, requires_grad=True)
    bias = low_frequency_bias(one_sided_magnitude(images).mean((0, 1)))
    bias.backward()
    assert images.grad.isfinite().all()
    assert bias.item() == pytest.approx(math.log(10) + math.log(FLOOR) * 5 * FLOOR, abs=1e-5)


def test_values_per_image_have_the_bias_as_mean_and_its_standard_error():
    generator = np.random.default_rng(0)
    size = 300
    envelope = power_law(8, 1).numpy()

    def spectra(count):
        return torch.from_numpy(envelope * generator.gamma(2.0, size=(count, 5, 5)))

    some = spectra(size)
    values = bias_by_image(some)
    assert values.mean().item() == pytest.approx(low_frequency_bias(some.mean(0)).item(), abs=1e-10)
    repeated = [low_frequency_bias(spectra(size).mean(0)).item() for _ in range(400)]
    assert values.std().item() / size**0.5 == pytest.approx(np.std(repeated), rel=0.15)
