"""Spectra of the inputs of a network: clean images, attacked images and their difference."""

import torch

from passband.attacks import describe
from passband.evaluation import added, batches
from passband.options import AttackName, Images
from passband.probes import PROBES, Measurement, Subject, stored
from passband.probes.spectrum import channel_amplitude, mean_amplitude
from passband.spectra.amplitudes import amplitude_by_radius, dc_share, energy_share


@PROBES.register("input_spectra")
def input_spectra(subject: Subject, *, attack: AttackName, images: Images) -> Measurement:
    """Mean |DFT| of clean and attacked images and of their difference (fourier_study, figure 2).

    Also, for each image, the share of the energy inside the central square of half the bandwidth
    (a quarter of the plane), the share of the DC component alone and the amplitude by distance from
    it.

    Args:
        attack: the attack whose images are shown.
        images: number of test images, the first ones.
    """
    subject = subject.first(images)
    half = subject.side // 4 * 2
    change = added(subject.perturbation)
    parts = list(batches(len(subject.labels), subject.compute))
    clean = torch.cat([subject.compute.images(subject.images[part]) for part in parts])
    attacked = torch.cat([change(clean[part], part) for part in parts])
    shown = {"clean": clean, "adversarial": attacked, "difference": attacked - clean}
    result = Measurement(metadata={"attack": attack["name"], "bandwidth": half})
    for name, tensor in shown.items():
        amplitudes = channel_amplitude(tensor)
        share, dc = energy_share(amplitudes, [half])[0], dc_share(amplitudes)
        result.arrays |= {
            f"spectrum_{name}": stored(mean_amplitude(tensor)),
            f"energy_share_{name}": stored(share),
            f"dc_share_{name}": stored(dc),
            f"amplitude_by_radius_{name}": stored(amplitude_by_radius(amplitudes)),
        }
        condition = f"{describe(attack)};shown={name};square={half}"
        result.rows.append((condition, "energy_share", share.mean().item(), len(share), "ratio"))
        condition = f"{describe(attack)};shown={name}"
        result.rows.append((condition, "dc_share", dc.mean().item(), len(dc), "ratio"))
    return result
