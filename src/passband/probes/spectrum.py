"""The average spectrum of an attack's perturbations."""

import numpy as np
import torch
from torch import Tensor

from passband.attacks import describe
from passband.options import AttackName, Images
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.amplitudes import (
    amplitude,
    amplitude_by_radius,
    autocorrelation,
    dc_share,
    energy_share,
)


def mean_amplitude(images: Tensor) -> Tensor:
    """Mean |DFT| over images and channels, DC component centred: [N, C, H, W] to [H, W]."""
    return sum(amplitude(part).mean(1).sum(0) for part in images.split(500)) / len(images)


def channel_amplitude(images: Tensor) -> Tensor:
    """|DFT| of each image, root mean square over its channels: [N, C, H, W] to [N, H, W]."""
    return torch.cat([amplitude(part).square().mean(1).sqrt() for part in images.split(500)])


@PROBES.register("perturbation_spectrum")
def perturbation_spectrum(subject: Subject, *, attack: AttackName, images: Images) -> Measurement:
    """Mean |DFT| of perturbations (sar, figure 4), and statistics per image.

    Args:
        attack: the attack whose perturbations are measured.
        images: number of test images, the first ones.
    """
    noise = subject.first(images).perturbation
    bandwidths = list(range(2, subject.side + 1, 2))
    spectra = channel_amplitude(noise)
    share = energy_share(spectra, bandwidths)
    result = Measurement(
        arrays={
            "spectrum": stored(mean_amplitude(noise)),
            "bandwidths": np.array(bandwidths),
            "energy_share": stored(share),
            "dc_share": stored(dc_share(spectra)),
            "amplitude_by_radius": stored(amplitude_by_radius(spectra)),
            "autocorrelation": stored(autocorrelation(noise)),
        }
    )
    for bandwidth, row in zip(bandwidths, share, strict=True):
        condition = f"{describe(attack)};square={bandwidth}"
        result.rows.append((condition, "energy_share", row.mean().item(), len(noise), "ratio"))
    for name in ("autocorrelation", "dc_share"):
        mean = float(result.arrays[name].mean())
        result.rows.append((describe(attack), name, mean, len(noise), "ratio"))
    return result
