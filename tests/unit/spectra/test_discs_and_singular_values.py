"""Discs against a plainly written DFT, truncated SVD against NumPy's, both as rows of config."""

import cmath

import numpy as np
import pytest
import torch

from passband.spectra.filters import FILTERS, apply, describe, size_of
from passband.spectra.filters.disc import disc, inside
from passband.spectra.filters.svd import (
    nearest_rank,
    smallest_rank,
    svd,
    svd_energy,
    svd_energy_of_disc,
)

SIDES = [28, 31, 32, 64]
KEPT = {4: 45, 8: 193, 12: 437, 16: 793, 20: 995, 22: 1023, 23: 1024, 24: 1024}  # of 32 x 32
KEPT_INCLUSIVE = {4: 49, 8: 197, 12: 441, 16: 795, 20: 999, 24: 1024}


def images(side: int, channels: int = 3, count: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(side)
    return torch.rand(count, channels, side, side, generator=generator, dtype=torch.float64)


def plain_low_part(image: np.ndarray, radius: float, inclusive: bool = False) -> np.ndarray:
    """A channel [S, S] behind the disc, with a DFT written as sums, the DC component centred."""
    side = len(image)
    centre = side // 2
    wave = np.array(
        [
            [cmath.exp(-2j * cmath.pi * (f - centre) * x / side) for x in range(side)]
            for f in range(side)
        ]
    )
    spectrum = wave @ image @ wave.T
    for row in range(side):
        for column in range(side):
            distance = ((row - centre) ** 2 + (column - centre) ** 2) ** 0.5
            if distance > radius or (distance == radius and not inclusive):
                spectrum[row, column] = 0
    inverse = wave.conj().T @ spectrum @ wave.conj() / side**2
    assert np.abs(inverse.imag).max() < 1e-12
    return inverse.real


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("radius", "inclusive"), [(4, False), (8, True), (12, False)])
def test_the_disc_is_that_of_a_plain_transform(side, channels, radius, inclusive):
    given = images(side, channels)
    low = disc(given, keep="low", radius=radius, inclusive=inclusive)
    high = disc(given, keep="high", radius=radius, inclusive=inclusive)
    expected = [
        [plain_low_part(channel, radius, inclusive) for channel in image] for image in given.numpy()
    ]
    np.testing.assert_allclose(low, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(high, given - torch.tensor(np.array(expected)), rtol=0, atol=1e-12)
    torch.testing.assert_close(low + high, given, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("inclusive", "radius", "count"),
    [(False, *pair) for pair in KEPT.items()] + [(True, *pair) for pair in KEPT_INCLUSIVE.items()],
)
def test_the_disc_keeps_as_many_coefficients_as_the_authors_mask(inclusive, radius, count):
    impulse = torch.zeros(32, 32, dtype=torch.float64)
    impulse[0, 0] = 1
    kept = torch.fft.fft2(disc(impulse, keep="low", radius=radius, inclusive=inclusive))
    assert (kept.abs() > 0.5).sum() == count
    high = disc(impulse, keep="high", radius=radius, inclusive=inclusive)
    assert (torch.fft.fft2(high).abs() > 0.5).sum() == 1024 - count


def test_the_inclusive_disc_of_radius_0_is_the_mean():
    given = images(31)
    low = disc(given, keep="low", radius=0, inclusive=True)
    expected = given.mean((-2, -1), keepdim=True).expand_as(given)
    torch.testing.assert_close(low, expected, rtol=0, atol=1e-12)
    assert not disc(given, keep="low", radius=0).any()


def test_images_need_not_be_square():
    given = torch.rand(3, 20, 33, dtype=torch.float64)
    spectrum = np.fft.fftshift(np.fft.fft2(given.numpy()), axes=(-2, -1))
    rows, columns = np.mgrid[-10:10, -16:17]
    spectrum[:, np.hypot(rows, columns) >= 7] = 0
    expected = np.fft.ifft2(np.fft.ifftshift(spectrum, axes=(-2, -1))).real
    np.testing.assert_allclose(disc(given, keep="low", radius=7), expected, rtol=0, atol=1e-12)
    assert inside(20, 33, 7).shape == (20, 17)


def test_filters_keep_type_and_leading_axes_and_do_not_clip():
    given = (torch.rand(2, 5, 3, 16, 16) > 0.5).float()
    for shape, size in {"disc": "radius", "svd": "rank", "svd_energy_of_disc": "radius"}.items():
        filtered = FILTERS[shape](given, keep="low", **{size: 5})
        assert filtered.shape == given.shape and filtered.dtype == torch.float32
        alone = FILTERS[shape](given[1, 2, 0], keep="low", **{size: 5})
        torch.testing.assert_close(filtered[1, 2, 0], alone, rtol=0, atol=1e-6)
        assert filtered.min() < 0 and filtered.max() > 1


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("rank", [1, 5, 27])
def test_truncation_is_that_of_numpy(side, channels, rank):
    given = images(side, channels)
    left, values, right = np.linalg.svd(given.numpy())
    expected = (left[..., :rank] * values[..., None, :rank]) @ right[..., :rank, :]
    low = svd(given, keep="low", rank=rank)
    np.testing.assert_allclose(low, expected, rtol=0, atol=1e-10)
    high = svd(given, keep="high", rank=rank)
    np.testing.assert_allclose(high, given - torch.tensor(expected), rtol=0, atol=1e-10)
    torch.testing.assert_close(low + high, given, rtol=0, atol=1e-12)


def test_the_ends_of_the_rank_are_the_image_and_nothing():
    given = images(16)
    torch.testing.assert_close(svd(given, keep="low", rank=16), given, rtol=0, atol=1e-12)
    torch.testing.assert_close(svd(given, keep="high", rank=0), given, rtol=0, atol=1e-12)
    assert not svd(given, keep="low", rank=0).any()


def plain_ranks(given: torch.Tensor, energies: np.ndarray) -> np.ndarray:
    """The smallest rank [N, C] at which each channel holds an energy [N, C], by counting up."""
    ranks = np.zeros(energies.shape, int)
    for place in np.ndindex(*energies.shape):
        held = 0.0
        for value in np.linalg.svd(given[place].numpy(), compute_uv=False):
            if held >= energies[place]:
                break
            held += value**2
            ranks[place] += 1
    return ranks


def rank_of(filtered: torch.Tensor) -> np.ndarray:
    return np.linalg.matrix_rank(filtered.numpy(), tol=1e-6)


@pytest.mark.parametrize("energy", [0.5, 0.9, 0.99, 0.9999])
def test_a_share_of_energy_takes_the_smallest_rank_of_each_channel(energy):
    given = images(28) * torch.linspace(-1, 1, 28).abs()  # the energy is not spread evenly
    total = given.square().sum((-2, -1)).numpy()
    low = svd_energy(given, keep="low", energy=energy)
    np.testing.assert_array_equal(rank_of(low), plain_ranks(given, energy * total))
    assert (low.square().sum((-2, -1)).numpy() >= energy * total).all()
    together = low + svd_energy(given, keep="high", energy=energy)
    torch.testing.assert_close(together, given, rtol=0, atol=1e-12)


@pytest.mark.parametrize("radius", [4, 8, 12, 16])
def test_no_other_rank_is_nearer_to_the_energy_of_the_disc(radius):
    given = images(32)
    held = disc(given, keep="low", radius=radius).square().sum((-2, -1)).numpy()
    low = svd_energy_of_disc(given, keep="low", radius=radius)
    ranks = rank_of(low)
    for place in np.ndindex(*ranks.shape):
        squares = np.linalg.svd(given[place].numpy(), compute_uv=False) ** 2
        distances = [abs(squares[:rank].sum() - held[place]) for rank in range(1, 33)]
        assert ranks[place] == 1 + np.argmin(distances)
    together = low + svd_energy_of_disc(given, keep="high", radius=radius)
    torch.testing.assert_close(together, given, rtol=0, atol=1e-12)


def test_ranks_at_the_edges():
    squares = torch.tensor([[4.0, 3.0, 1.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    for energy, ranks in {
        0: [1, 1],
        4: [1, 3],
        4.1: [2, 3],
        7: [2, 3],
        8: [3, 3],
        9: [3, 3],
    }.items():
        found = smallest_rank(squares, torch.tensor([energy, energy], dtype=torch.float64))
        assert found.tolist() == ranks
    for energy, ranks in {0: [1, 1], 5.4: [1, 1], 5.6: [2, 1], 7.6: [3, 1], 9: [3, 1]}.items():
        found = nearest_rank(squares, torch.tensor([energy, energy], dtype=torch.float64))
        assert found.tolist() == ranks


@pytest.mark.parametrize("shape", ["disc", "svd_energy_of_disc"])
def test_black_images_stay_black(shape):
    for keep in ("low", "high"):
        assert not FILTERS[shape](torch.zeros(2, 1, 8, 8), keep=keep, radius=2).any()


def test_the_result_does_not_depend_on_the_batch():
    given = images(32, count=7).float()
    for shape in ("disc", "svd_energy_of_disc"):
        together = FILTERS[shape](given, keep="low", radius=8)
        alone = torch.cat([FILTERS[shape](one[None], keep="low", radius=8) for one in given])
        torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


def test_rows_of_config():
    given = images(32, count=1).float()
    row = {"name": "third", "shape": "disc", "keep": "low", "radius": "1/3", "inclusive": False}
    assert torch.equal(apply(row, given), disc(given, keep="low", radius=11))
    assert describe(row, 32) == "filter=third;shape=disc;keep=low;radius=11;inclusive=False"
    most = {"name": "most", "shape": "svd_energy", "keep": "low", "energy": 0.95}
    assert torch.equal(apply(most, given), svd_energy(given, keep="low", energy=0.95))
    assert size_of(most, 32) == 0.95
    assert describe(most, 32) == "filter=most;shape=svd_energy;keep=low;energy=0.95"
