"""Fourier heat maps: error under noise along every real Fourier basis image."""

import numpy as np
import torch

from passband.draws import Draws, key_of
from passband.evaluation import batches, predictions, progress
from passband.options import Images, Positive
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.bases import basis_images, frequencies, full_plane


@PROBES.register("fourier_heatmap")
def fourier_heatmap(subject: Subject, *, norm_per_pixel: Positive, images: Images) -> Measurement:
    """Error rate on x + r v U for every basis image U (sar, figure 7 and appendix B).

    The sign r is drawn per image, channel and basis image; the noise has Euclidean norm
    v = norm_per_pixel * side in each channel; the sum is clipped to [0, 1]. One basis image
    stands for f and -f: 514 forward passes per image at 32 x 32.

    Args:
        norm_per_pixel: Euclidean norm of the noise in each channel, divided by the image side.
        images: number of test images, the first ones.
    """
    subject = subject.first(images)
    pairs, norm = frequencies(subject.side), norm_per_pixel * subject.side
    bases = norm * basis_images(pairs.to(subject.images.device), subject.side)
    count, channels = subject.images.shape[:2]
    indices = torch.arange(count, device=subject.images.device)
    signs = Draws(key_of(subject.seed, "heat map"), indices).signs("sign", (len(pairs), channels))
    wrong = torch.empty(len(pairs), count, dtype=torch.bool, device=subject.images.device)
    with torch.inference_mode(), progress(len(pairs) * count, "Fourier heat map") as bar:
        for part in batches(count, subject.compute):
            clean, labels = subject.compute.images(subject.images[part]), subject.labels[part]
            for number, basis in enumerate(bases):
                noisy = (clean + signs[part, number, :, None, None] * basis).clamp_(0, 1)
                wrong[number, part] = subject.compute.labels_of(subject.model, noisy) != labels
                bar.update(len(labels))
    clean_wrong = predictions(subject.model, subject.images, subject.compute) != subject.labels
    plane = stored(full_plane(wrong.float().mean(1).cpu(), pairs, subject.side))
    result = Measurement(
        arrays={
            "frequencies": stored(pairs),
            "wrong": stored(wrong),
            "wrong_clean": stored(clean_wrong),
            "error": plane,
        },
        metadata={"norm": norm},
    )
    inside = np.zeros_like(plane, dtype=bool)
    centre = slice(subject.side // 4, 3 * subject.side // 4)
    inside[centre, centre] = True
    for name, part in {"mean": plane, "low": plane[inside], "high": plane[~inside]}.items():
        condition = f"basis={name};norm={norm:g}"
        result.rows.append((condition, "error_rate", 100 * float(part.mean()), count, "percent"))
    return result
