"""Kernels, activations, input spectra and filtered attacks against loops in double precision."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import scipy.fft
import torch
from torch import Tensor, nn

from passband import models
from passband.compute import Compute
from passband.config import resolve_attack
from passband.errors import UserError
from passband.evaluation import added, frozen, perturbations, predictions
from passband.models.quantization import QuantizedConv2d, quantized
from passband.probes import PROBES, Subject
from passband.probes.kernels import (
    channel_correlation,
    convolutions,
    frequency_map,
    high_share,
    total_variation,
)
from passband.spectra.activations import RATIOS
from passband.spectra.filters import lowpass

FLOAT32 = Compute(torch.device("cpu"), torch.float32)
PGD = {"attack": "pgd", "epsilon": "16/255", "step_size": "8/255", "steps": 2, "start": "clean"}


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def noisy(count: int, channels: int = 3, side: int = 16) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator).byte()


def subject(trained: nn.Module | None, images: Tensor, labels: Tensor | None = None) -> Subject:
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    model = None if trained is None else frozen(trained)
    return Subject(model, images, labels, ("a", "b"), 0, FLOAT32, trained=trained)


# Activations


def ratio_by_loops(x: np.ndarray, definition: str) -> float:
    """LFI / HFI with the paper's matrices (1/n) 1 1^T and I - (1/n) 1 1^T, sample by sample."""
    found = []
    for sample in x.reshape(*x.shape[:2], -1).astype(float):
        signals = sample if definition == "across_channels" else sample.T
        n = len(signals)
        low = np.ones((n, n)) / n
        parts = low @ signals, (np.eye(n) - low) @ signals
        if definition == "per_channel":
            norms = [[np.linalg.norm(column) for column in part.T] for part in parts]
            found.append([a / b for a, b in zip(*norms, strict=True)])
        else:
            norm = 2 if definition == "spectral" else "fro"
            found.append(np.linalg.norm(parts[0], norm) / np.linalg.norm(parts[1], norm))
    return float(np.mean(found))


@pytest.mark.parametrize("definition", RATIOS)
def test_ratios_equal_the_papers_matrices(definition):
    x = torch.nn.functional.hardtanh(normal(5, 4, 6, 3) + torch.arange(4)[:, None, None] / 3)
    got = RATIOS[definition](x)
    assert got.dtype == torch.float64 and got.shape == ()
    assert got == pytest.approx(ratio_by_loops(x.numpy(), definition), rel=1e-9)


def test_definitions_are_not_interchangeable():
    x = torch.nn.functional.hardtanh(0.6 * normal(8, 16, 8, 8) + normal(1, 16, 1, 1, seed=1))
    found = {name: ratio(x).item() for name, ratio in RATIOS.items()}
    ordered = sorted(found, key=found.get)
    assert ordered[0] == "across_channels" and ordered[-1] == "spectral"
    assert found["spectral"] > 2 * found["frobenius"] > 4 * found["across_channels"]


@pytest.mark.parametrize("definition", RATIOS)
def test_ratios_ignore_scale_and_the_order_of_samples_channels_and_pixels(definition):
    x = normal(4, 3, 5, 5) + 0.4
    shuffled = -7 * x.flip(0).roll(1, 1).transpose(2, 3)
    torch.testing.assert_close(RATIOS[definition](shuffled), RATIOS[definition](x))


def test_ratio_grows_with_the_mean_and_leaves_constant_maps_out():
    x = normal(3, 4, 5, 5)
    x = x - x.mean((2, 3), keepdim=True)
    expected = 2 * 25**0.5 / x.flatten(2).norm(dim=2)
    torch.testing.assert_close(RATIOS["per_channel"](x + 2).float(), expected.mean())
    saturated = torch.cat([x + 2, torch.ones(3, 2, 5, 5), torch.zeros(3, 1, 5, 5)], 1)
    torch.testing.assert_close(RATIOS["per_channel"](saturated), RATIOS["per_channel"](x + 2))
    for ratio in RATIOS.values():
        assert ratio(torch.ones(2, 3, 4, 4)).isnan()


# Kernels


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
    given = subject(trained, noisy(1))
    found = PROBES["kernels"](given)
    weights = trained[0].weight.detach()
    np.testing.assert_array_equal(found.arrays["weights"], weights)
    np.testing.assert_allclose(found.arrays["frequency_map"], frequency_map(weights))
    assert found.arrays["high_share_by_layer"].shape == (7,)
    assert found.metadata["layer"] == "0" and len(found.metadata["layers"]) == 7
    values = {metric: value for _, metric, value, _, _ in found.rows}
    assert values == {
        "total_variation": pytest.approx(total_variation(weights).mean().item()),
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
    found = PROBES["kernels"](subject(trained, noisy(1)), layer=1).arrays
    np.testing.assert_array_equal(found["weights"], expected)
    assert len(np.unique(found["weights"])) <= 3
    first = PROBES["kernels"](subject(trained, noisy(1)), layer=0).arrays
    np.testing.assert_array_equal(first["weights"], trained[0].weight.detach())


def test_kernels_of_one_channel_have_no_correlation_and_no_row_of_it(lived_in):
    found = PROBES["kernels"](subject(lived_in("resnet8_w8", channels=1), noisy(1, channels=1)))
    assert np.isnan(found.arrays["channel_correlation"]).all()
    assert [row[1] for row in found.rows] == ["total_variation", "high_share"]


def test_a_convolution_that_does_not_exist_is_refused(lived_in):
    with pytest.raises(UserError, match=r"layer 7 .* 7 convolutions, counted from 0"):
        PROBES["kernels"](subject(lived_in("resnet8_w8"), noisy(1)), layer=7)
    assert len(convolutions(lived_in("resnet8_w8"))) == 7


# Input spectra


def test_input_spectra_equal_scipy():
    images = noisy(7, channels=2)
    noise = 0.1 * normal(7, 2, 16, 16)
    given = replace(subject(None, images), perturbation=noise)
    found = PROBES["input_spectra"](given, attack="pgd-20", images=6)
    clean = images[:6].double().numpy() / 255
    shown = {"clean": clean, "adversarial": np.clip(clean + noise[:6].numpy(), 0, 1)}
    shown["difference"] = shown["adversarial"] - clean
    for name, array in shown.items():
        spectra = np.abs(scipy.fft.fftshift(scipy.fft.fft2(array), axes=(-2, -1)))
        got = found.arrays[f"spectrum_{name}"]
        np.testing.assert_allclose(got, spectra.mean((0, 1)), rtol=1e-4, atol=1e-5)
        energy = (spectra**2).sum(1)
        share = energy[:, 4:12, 4:12].sum((1, 2)) / energy.sum((1, 2))
        np.testing.assert_allclose(found.arrays[f"energy_share_{name}"], share, rtol=1e-4)
        rings = found.arrays[f"amplitude_by_radius_{name}"]
        assert rings.shape == (9, 6)
        np.testing.assert_allclose(rings[0], np.sqrt(energy[:, 8, 8] / 2), rtol=1e-3, atol=1e-5)
    assert [row[0] for row in found.rows] == [
        f"attack=pgd-20;shown={name};square=8" for name in shown
    ]
    assert {row[3] for row in found.rows} == {6}
    assert found.metadata == {"attack": "pgd-20", "bandwidth": 8}


def test_difference_of_a_smooth_perturbation_lies_in_the_central_square():
    smooth = 0.02 * lowpass(normal(4, 3, 16, 16), 6)
    images = torch.full((4, 3, 16, 16), 128, dtype=torch.uint8)
    given = replace(subject(None, images), perturbation=smooth)
    found = PROBES["input_spectra"](given, attack="a", images=4).arrays
    assert (found["energy_share_difference"] > 0.999).all()
    assert (found["amplitude_by_radius_difference"][4:] < 1e-4).all()


# Filtered attacks


def test_filtered_attacks_attack_every_image_and_then_filter(lived_in):
    trained = lived_in("resnet8_w8", side=16)
    images, labels = noisy(30), torch.arange(30) % 10
    attacks = [
        resolve_attack("one", PGD),
        resolve_attack("two", PGD | {"start": "uniform", "loss": "margin"}),
    ]
    given = subject(trained, images, labels)
    stored = perturbations(given.model, images, labels, attacks[0], 0, FLOAT32)
    given = replace(given, perturbation=stored)
    found = PROBES["accuracy_under_filtered_attacks"](
        given, attack="one", attacks=attacks[1:], bandwidths=["1", "1/2"], images=25
    )
    correct = found.arrays["correct"]
    assert correct.shape == (3, 2, 25) and correct.dtype == np.uint8
    assert found.arrays["bandwidths"].tolist() == [16, 8]
    shown = images[:25] / 255
    for number, attack in enumerate([None, *attacks]):
        noise = torch.zeros_like(shown)
        if attack:
            noise = perturbations(given.model, images[:25], labels[:25], attack, 0, FLOAT32)
        attacked = (shown + noise).clamp(0, 1)
        for place, seen in enumerate((attacked, lowpass(attacked, 8))):
            expected = given.model(seen).argmax(1) == labels[:25]
            np.testing.assert_array_equal(correct[number, place], expected)
    assert [row[0] for row in found.rows] == [
        f"attack={name};filter=lowpass;bandwidth={size}"
        for name in ("none", "one", "two")
        for size in (16, 8)
    ]
    assert [row[2] for row in found.rows] == pytest.approx(
        (100 * correct.mean(2)).flatten().tolist()
    )
    assert found.metadata["attacks"] == ["one", "two"]


def test_misclassified_images_are_attacked_too_and_no_filter_is_no_change(lived_in):
    trained = lived_in("resnet8_w8", side=16)
    images = noisy(40)
    given = subject(trained, images)
    attack = resolve_attack("one", PGD | {"epsilon": "64/255", "step_size": "64/255"})
    labels = predictions(given.model, images, FLOAT32, added(0.3 * normal(*images.shape)))
    given = replace(given, labels=labels, perturbation=torch.zeros_like(images / 255))
    found = PROBES["accuracy_under_filtered_attacks"](
        given, attack="none at all", attacks=[attack], bandwidths=["1"]
    )
    clean, unchanged, attacked = found.arrays["correct"][:, 0]
    plain = predictions(given.model, images, FLOAT32) == labels
    np.testing.assert_array_equal(clean, plain)
    np.testing.assert_array_equal(unchanged, plain)
    noise = perturbations(given.model, images, labels, attack, 0, FLOAT32)
    shown = predictions(given.model, images, FLOAT32, added(noise)) == labels
    np.testing.assert_array_equal(attacked, shown)
    assert not noise[~plain].flatten(1).abs().amax(1).eq(0).any()
