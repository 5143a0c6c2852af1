"""The Fourier heat map of networks whose answers are known."""

import numpy as np
import pytest
import torch
from known_networks import (
    Counting,
    grey,
    noisy,
    subject,
    two_classes,
)

from passband.draws import Draws, key_of
from passband.probes import PROBES
from passband.spectra.bases import basis_images, frequencies

pytestmark = pytest.mark.usefixtures("strict")


def test_heat_map_takes_one_forward_pass_per_basis_image_and_image():
    model = Counting(lambda x: two_classes(-x.mean((1, 2, 3))))
    found = PROBES["fourier_heatmap"](
        subject(model, grey(3, side=32)), norm_per_pixel=0.125, images=3
    )
    assert model.images == 514 * 3 + 3  # and once for the clean images
    assert found.arrays["wrong"].shape == (514, 3)
    assert found.metadata["norm"] == 4
    assert {row[0] for row in found.rows} == {f"basis={n};norm=4" for n in ("mean", "low", "high")}


@pytest.mark.parametrize("frequency", [(0, 0), (2, -1), (0, 3), (-4, -4), (-2, 1)])
def test_heat_map_of_a_network_that_fears_one_frequency(frequency):
    side = 8
    row, column = frequency
    detector = basis_images(torch.tensor([frequency]), side)[0]
    model = Counting(lambda x: two_classes(((x - 128 / 255) * detector).sum((1, 2, 3)).abs() - 0.3))
    found = PROBES["fourier_heatmap"](subject(model, grey(5)), norm_per_pixel=0.125, images=5)
    expected = np.zeros((side, side))
    for sign in (1, -1):
        expected[(sign * row + side // 2) % side, (sign * column + side // 2) % side] = 1
    np.testing.assert_array_equal(found.arrays["error"], expected)
    values = {row[0].split(";")[0]: row[2] for row in found.rows}
    centre = expected[2:6, 2:6]
    assert values["basis=mean"] == pytest.approx(100 * expected.mean())
    assert values["basis=low"] == pytest.approx(100 * centre.mean())
    outside = (expected.sum() - centre.sum()) / (side**2 - centre.size)
    assert values["basis=high"] == pytest.approx(100 * outside)


def test_heat_map_noise_has_the_norm_in_each_channel_and_its_own_signs():
    seen = []

    def network(x):
        seen.append(x - 128 / 255)
        return two_classes(x.mean((1, 2, 3)))

    images = grey(30, channels=3)
    PROBES["fourier_heatmap"](subject(Counting(network), images), norm_per_pixel=0.05, images=20)
    noise = torch.stack(seen[: len(frequencies(8))])
    assert noise.shape == (34, 20, 3, 8, 8)
    norms = noise.flatten(3).norm(dim=3)
    torch.testing.assert_close(norms, torch.full_like(norms, 0.4), atol=1e-5, rtol=0)
    signs = (noise * basis_images(frequencies(8), 8)[:, None, None]).sum((3, 4)).sign()
    expected = Draws(key_of(0, "heat map"), torch.arange(20)).signs("sign", (34, 3))
    assert torch.equal(signs, expected.transpose(0, 1))


def test_heat_map_shows_only_pixels_in_range():
    extremes = []

    def network(x):
        extremes.append((x.min().item(), x.max().item()))
        return two_classes(x.mean((1, 2, 3)))

    PROBES["fourier_heatmap"](
        subject(Counting(network), noisy(4, side=8)), norm_per_pixel=1, images=4
    )
    assert min(low for low, _ in extremes) >= 0 and max(high for _, high in extremes) <= 1
