"""Ratios of low to high frequencies in activations against the papers' matrices."""

import numpy as np
import pytest
import torch
from torch import Tensor

from passband.spectra.activations import RATIOS


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def ratio_by_loops(x: np.ndarray, definition: str) -> float:
    """LFI / HFI with the paper's matrices (1/n) 1 1^T and I - (1/n) 1 1^T, sample by sample."""
    found = []
    sums = np.zeros(2)
    for sample in x.reshape(*x.shape[:2], -1).astype(float):
        signals = sample if definition == "across_channels" else sample.T
        n = len(signals)
        low = np.ones((n, n)) / n
        parts = low @ signals, (np.eye(n) - low) @ signals
        norms = [[np.linalg.norm(column) for column in part.T] for part in parts]
        if definition == "per_channel":
            found.append([a / b for a, b in zip(*norms, strict=True)])
        elif definition == "summed":
            sums += np.sum(norms, axis=1)
        else:
            norm = 2 if definition == "spectral" else "fro"
            found.append(np.linalg.norm(parts[0], norm) / np.linalg.norm(parts[1], norm))
    return float(sums[0] / sums[1] if definition == "summed" else np.mean(found))


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


def test_a_map_that_is_nearly_constant_moves_the_mean_of_ratios_and_hardly_that_of_sums():
    x = torch.tensor([1.0, -1.0, 1.0, -1.0]).repeat(1, 9, 1)[..., None] + 0.5
    assert RATIOS["per_channel"](x) == RATIOS["summed"](x) == pytest.approx(0.5)
    flat = 1 + 0.001 * torch.tensor([1.0, -1.0, 1.0, -1.0])[None, None, :, None]
    mixed = torch.cat([x, flat], 1)  # norms 9 * 1 + 2 over 9 * 2 + 0.002
    assert RATIOS["per_channel"](mixed) == pytest.approx((9 * 0.5 + 1000) / 10, rel=1e-4)
    assert RATIOS["summed"](mixed) == pytest.approx(11 / 18.002, rel=1e-6)
