"""Fourier basis images against SciPy, and the plane that their values are spread over."""

import numpy as np
import pytest
import scipy.fft
import torch

from passband.spectra.bases import basis_images, frequencies, full_plane


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
