"""Images on the scale of their own largest value."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from passband.spectra.filters.disc import disc
from passband.spectra.scaling import rescaled

BYTES = torch.arange(256, dtype=torch.uint8)


def test_every_image_is_divided_by_its_own_largest_value():
    images = torch.tensor([[[[0.1, 0.2]], [[0.4, 0.0]]], [[[-0.6, 0.3]], [[0.1, 0.1]]]])
    expected = [[[[0.25, 0.5]], [[1, 0]]], [[[-2, 1]], [[1 / 3, 1 / 3]]]]
    torch.testing.assert_close(rescaled(images, "image-max"), torch.tensor(expected))
    assert rescaled(images, None) is images


def test_an_image_without_a_positive_value_stays_as_it_is():
    images = torch.zeros(3, 1, 8, 8)
    images[1] -= 0.5
    images[2] = disc(torch.full((1, 8, 8), 0.7), keep="high", radius=2)  # rounding errors
    for how in ("image-max", "image-max-bytes"):
        found = rescaled(images, how)
        assert not found[0].any()
        torch.testing.assert_close(found[1:], images[1:], atol=1 / 255, rtol=0)
    assert torch.equal(rescaled(images, "image-max"), images)


@pytest.mark.parametrize("largest", range(1, 256))
def test_bytes_are_rounded_down_exactly(largest):
    image = BYTES[: largest + 1]
    stored = (image.float() / 255).reshape(1, 1, 1, -1)
    found = 255 * rescaled(stored, "image-max-bytes").flatten()
    expected = [value * 255 // largest for value in image.tolist()]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.01, 1))
def test_the_scale_of_an_image_does_not_matter(seed, factor):
    images = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(seed)) + 0.1
    found = rescaled(images, "image-max")
    torch.testing.assert_close(rescaled(factor * images, "image-max"), found)
    torch.testing.assert_close(found.amax((1, 2, 3)), torch.ones(3))
