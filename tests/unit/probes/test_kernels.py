"""Statistics of kernels against loops in double precision."""

from itertools import combinations

import numpy as np
import pytest
import scipy.fft
import torch
from known_networks import (
    noisy,
    normal,
    trained_subject,
)

from passband import models
from passband.errors import UserError
from passband.models.quantization import QuantizedConv2d, quantized
from passband.models.transforms.smoothing import smoothed
from passband.probes import PROBES
from passband.probes.kernels import (
    channel_correlation,
    convolutions,
    frequency_map,
    high_share,
    sign_agreement,
    total_variation,
)

pytestmark = pytest.mark.usefixtures("strict")


def test_total_variation_of_known_kernels():
    sign = (-1.0) ** (torch.arange(3)[:, None] + torch.arange(3))
    ramp = torch.arange(3.0).expand(3, 3)
    kernels = torch.stack([torch.ones(3, 3), sign, 5 * sign, ramp, torch.zeros(3, 3)])[:, None]
    got = total_variation(kernels)
    expected = torch.tensor([0, 2, 2, 0.5 / (5 / 3) ** 0.5, torch.nan])
    torch.testing.assert_close(got, expected, equal_nan=True)
    assert total_variation(normal(4, 3, 1, 1)).isnan().all()
    many = total_variation(normal(200, 30, 5, 5)).mean()
    assert many == pytest.approx(2 / np.pi**0.5, rel=0.01)


def test_total_variation_equals_loops_and_falls_when_kernels_are_blurred():
    kernels = normal(6, 3, 5, 5)
    for kernel, got in zip(kernels.double().numpy(), total_variation(kernels), strict=True):
        differences = [
            abs(kernel[c, i, j] - kernel[c, i + di, j + dj])
            for c in range(3)
            for i in range(5)
            for j in range(5)
            for di, dj in ((1, 0), (0, 1))
            if i + di < 5 and j + dj < 5
        ]
        assert len(differences) == 3 * 40
        assert got == pytest.approx(np.mean(differences) / np.sqrt((kernel**2).mean()))
    blurred = torch.nn.functional.avg_pool2d(kernels, 3, 1)
    assert (total_variation(blurred) < total_variation(kernels)).all()


def test_sign_agreement_of_known_kernels():
    sign = (-1.0) ** (torch.arange(3)[:, None] + torch.arange(3))
    halves = torch.tensor([1.0, 1.0, -1.0]).expand(3, 3)
    one_zero = torch.tensor([[2.0, -1.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    kernels = torch.stack([torch.ones(3, 3), sign, halves, one_zero, torch.zeros(3, 3)])[:, None]
    # halves: 6 pairs down and 3 to the right agree; one_zero: 3 of 12 touch the zero, 3 disagree
    expected = torch.tensor([1, 0, 9 / 12, 6 / 9, torch.nan])
    torch.testing.assert_close(sign_agreement(kernels), expected, equal_nan=True)
    torch.testing.assert_close(sign_agreement(-5 * kernels), expected, equal_nan=True)
    assert sign_agreement(normal(4, 3, 1, 1)).isnan().all()
    assert sign_agreement(normal(200, 30, 5, 5)).mean() == pytest.approx(0.5, abs=0.01)


def test_smoothing_makes_kernels_smoother_by_both_numbers():
    for size in (3, 5):
        kernels = normal(64, 3, size, size)
        variations, agreements = [], []
        for rho in (0, 0.1, 0.25, 0.5, 1.0):
            smooth = smoothed(kernels, rho)
            variations.append(total_variation(smooth).mean().item())
            agreements.append(sign_agreement(smooth).mean().item())
        assert variations == sorted(variations, reverse=True) and variations[-1] < 0.75
        assert agreements == sorted(agreements) and agreements[-1] > 0.7


def test_channel_correlation_equals_numpy():
    kernels = normal(5, 4, 3, 3) + normal(5, 1, 3, 3, seed=1)
    for kernel, got in zip(kernels.double().numpy(), channel_correlation(kernels), strict=True):
        table = np.corrcoef(kernel.reshape(4, -1))
        expected = np.mean([table[i, j] for i, j in combinations(range(4), 2)])
        assert got == pytest.approx(expected, abs=1e-6)


def test_channel_correlation_of_like_opposite_and_constant_channels():
    one = normal(3, 3)
    kernels = torch.stack(
        [
            torch.stack([one, 2 * one + 5, one - 1]),
            torch.stack([one, -one, torch.full((3, 3), 0.3)]),
            torch.zeros(3, 3, 3),
        ]
    )
    got = channel_correlation(kernels)
    torch.testing.assert_close(got, torch.tensor([1, -1, torch.nan]), equal_nan=True)
    assert channel_correlation(normal(4, 1, 3, 3)).isnan().all()


def test_frequency_map_and_its_middle_half():
    kernels = normal(4, 3, 3, 3)
    got = frequency_map(kernels)
    flat = kernels.double().numpy().reshape(4, 27)
    np.testing.assert_allclose(got, np.abs(scipy.fft.fft(flat, axis=1)), atol=1e-5)
    energy = got.double().numpy() ** 2
    expected = energy[:, 7:21].sum(1) / energy.sum(1)
    np.testing.assert_allclose(high_share(got), expected, rtol=1e-6)
    position = torch.arange(16)
    waves = torch.stack([torch.cos(2 * np.pi * f * position / 16) for f in range(9)])
    shares = high_share(frequency_map(waves.view(9, 1, 4, 4)))
    expected = torch.tensor([0.0] * 4 + [1.0] * 5)
    torch.testing.assert_close(shares, expected, atol=1e-5, rtol=0)
    assert high_share(torch.zeros(1, 9)).isnan()


def test_kernels_probe_measures_weights_as_they_were_trained(lived_in):
    trained = lived_in("resnet8_w8")
    given = trained_subject(trained, noisy(1))
    found = PROBES["kernels"](given)
    weights = trained[0].weight.detach()
    np.testing.assert_array_equal(found.arrays["weights"], weights)
    np.testing.assert_allclose(found.arrays["frequency_map"], frequency_map(weights))
    assert found.arrays["high_share_by_layer"].shape == (7,)
    assert found.metadata["layer"] == "0" and len(found.metadata["layers"]) == 7
    values = {metric: value for _, metric, value, _, _ in found.rows}
    assert values == {
        "total_variation": pytest.approx(total_variation(weights).mean().item()),
        "sign_agreement": pytest.approx(sign_agreement(weights).mean().item()),
        "channel_correlation": pytest.approx(channel_correlation(weights).mean().item()),
        "high_share": pytest.approx(high_share(frequency_map(weights)).mean().item()),
    }
    second = PROBES["kernels"](given, layer=1, all_layers=True)
    np.testing.assert_array_equal(second.arrays["weights"], trained[3].conv1.weight.detach())
    maps = [name for name in second.arrays if name.startswith("frequency_map_")]
    assert len(maps) == 7
    assert second.arrays["frequency_map_6"].shape == (32, 32 * 9)


def test_kernels_of_a_quantised_network_are_those_that_it_computes_with():
    trained = quantized(models.build("resnet8_w8", 3, 2, 16, seed=0), 2, True).eval()
    layers = [each for each in trained.modules() if isinstance(each, QuantizedConv2d)]
    with torch.no_grad():
        expected = layers[0].effective_weight()
    found = PROBES["kernels"](trained_subject(trained, noisy(1)), layer=1).arrays
    np.testing.assert_array_equal(found["weights"], expected)
    assert len(np.unique(found["weights"])) <= 3
    first = PROBES["kernels"](trained_subject(trained, noisy(1)), layer=0).arrays
    np.testing.assert_array_equal(first["weights"], trained[0].weight.detach())


def test_the_least_value_of_the_masks_of_all_layers():
    trained = quantized(models.build("resnet8_w8", 3, 2, 16, seed=0), 32, True).eval()
    layers = [each for each in trained.modules() if isinstance(each, QuantizedConv2d)]
    least = []
    for place, layer in enumerate(layers):
        layer.mixing.data.mul_(0.1 * (place + 1))
        rows = layer.weight.detach().double().flatten(1).numpy()
        rows = (rows - rows.mean()) / rows.std(ddof=1)
        mixed = layer.mixing.detach().double().numpy() @ np.abs(scipy.fft.rfft(rows))
        least.append((1 / (1 + np.exp(-mixed))).min())
    (row,) = (
        row
        for row in PROBES["kernels"](trained_subject(trained, noisy(1))).rows
        if row[1] == "least_mask"
    )
    assert row == ("masks=6", "least_mask", pytest.approx(min(least), rel=1e-5), 0, "ratio")


def test_kernels_of_one_channel_have_no_correlation_and_no_row_of_it(lived_in):
    found = PROBES["kernels"](
        trained_subject(lived_in("resnet8_w8", channels=1), noisy(1, channels=1))
    )
    assert np.isnan(found.arrays["channel_correlation"]).all()
    assert [row[1] for row in found.rows] == ["total_variation", "sign_agreement", "high_share"]


def test_a_convolution_that_does_not_exist_is_refused(lived_in):
    with pytest.raises(UserError, match=r"layer is 7 .* has 7 convolutions, .* one from 0 to 6\.$"):
        PROBES["kernels"](trained_subject(lived_in("resnet8_w8"), noisy(1)), layer=7)
    assert len(convolutions(lived_in("resnet8_w8"))) == 7
