"""Spectra of perturbations and of what a network is shown, against NumPy and SciPy."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.fft
import torch
from known_networks import (
    attack_row,
    grey,
    noisy,
    normal,
    subject,
)

from passband.probes import PROBES
from passband.spectra.bases import basis_images
from passband.spectra.filters.square import square

pytestmark = pytest.mark.usefixtures("strict")


def test_spectrum_of_one_wave_lies_at_its_two_frequencies():
    side = 16
    wave = basis_images(torch.tensor([[3, -5]]), side)
    noise = wave[:, None].expand(6, 3, side, side) * torch.tensor([1.0, -1.0, 2.0])[:, None, None]
    given = subject(None, noisy(6), perturbation=noise)
    found = PROBES["perturbation_spectrum"](given, attack=attack_row("pgd-20"), images=5)
    spectrum = found.arrays["spectrum"]
    expected = np.zeros((side, side))
    peak = side / 2**0.5 * 4 / 3
    expected[side // 2 + 3, side // 2 - 5] = expected[side // 2 - 3, side // 2 + 5] = peak
    np.testing.assert_allclose(spectrum, expected, atol=1e-4)
    shares = dict(
        zip(found.arrays["bandwidths"].tolist(), found.arrays["energy_share"], strict=True)
    )
    np.testing.assert_allclose(shares[10], 0.5, atol=1e-5)
    np.testing.assert_allclose(shares[8], 0, atol=1e-5)
    np.testing.assert_allclose(shares[12], 1, atol=1e-5)
    assert found.arrays["energy_share"].shape == (8, 5)
    rings = found.arrays["amplitude_by_radius"]
    assert rings.shape == (9, 5)
    assert np.all(rings.argmax(0) == 5)
    np.testing.assert_allclose(found.arrays["dc_share"], 0, atol=1e-6)
    assert found.rows[-1][3] == 5


def test_spectrum_does_not_depend_on_how_images_are_split():
    noise = torch.randn(1100, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    given = subject(None, grey(1100, channels=2), perturbation=noise)
    found = PROBES["perturbation_spectrum"](given, attack=attack_row("a"), images=1100).arrays
    expected = np.abs(np.fft.fftshift(np.fft.fft2(noise.double().numpy()), axes=(-2, -1)))
    np.testing.assert_allclose(found["spectrum"], expected.mean((0, 1)), rtol=1e-5)
    energy = (expected**2).sum(1)
    share = energy[:, 2:6, 2:6].sum((1, 2)) / energy.sum((1, 2))
    np.testing.assert_allclose(found["energy_share"][1], share, rtol=1e-4)
    np.testing.assert_allclose(
        found["dc_share"], energy[:, 4, 4] / energy.sum((1, 2)), rtol=1e-3, atol=1e-6
    )


def test_input_spectra_equal_scipy():
    images = noisy(7, channels=2)
    noise = 0.1 * normal(7, 2, 16, 16)
    given = replace(subject(None, images), perturbation=noise)
    found = PROBES["input_spectra"](
        given, attack={"name": "pgd-20", "attack": "pgd", "steps": 20}, images=6
    )
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
        dc = energy[:, 8, 8] / energy.sum((1, 2))
        np.testing.assert_allclose(found.arrays[f"dc_share_{name}"], dc, rtol=1e-3, atol=1e-6)
        rings = found.arrays[f"amplitude_by_radius_{name}"]
        assert rings.shape == (9, 6)
        np.testing.assert_allclose(rings[0], np.sqrt(energy[:, 8, 8] / 2), rtol=1e-3, atol=1e-5)
    assert [row[0] for row in found.rows] == [
        f"attack=pgd-20;steps=20;shown={name}{square}"
        for name in shown
        for square in (";square=8", "")
    ]
    assert {row[3] for row in found.rows} == {6}
    assert found.metadata == {"attack": "pgd-20", "bandwidth": 8}


def test_difference_of_a_smooth_perturbation_lies_in_the_central_square():
    smooth = 0.02 * square(normal(4, 3, 16, 16), keep="low", bandwidth=6)
    images = torch.full((4, 3, 16, 16), 128, dtype=torch.uint8)
    given = replace(subject(None, images), perturbation=smooth)
    found = PROBES["input_spectra"](given, attack=attack_row("a"), images=4).arrays
    assert (found["energy_share_difference"] > 0.999).all()
    assert (found["amplitude_by_radius_difference"][4:] < 1e-4).all()
