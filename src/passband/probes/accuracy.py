"""Accuracy on clean, attacked and filtered images, and under filtered perturbations."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from passband.evaluation import added, predictions
from passband.probes import PROBES, Measurement, Subject, stored
from passband.quantities import bandwidth_at
from passband.spectra.filters import FILTERS


def _correct(subject: Subject, change) -> Tensor:
    return predictions(subject.model, subject.images, subject.compute, change) == subject.labels


@PROBES.register("filtered_accuracy")
def filtered_accuracy(subject: Subject, *, filter: str, bandwidths: list[str]) -> Measurement:
    """Accuracy on natural images behind a square filter (sar, table I and figure 2)."""
    sizes = [bandwidth_at(subject.side, share) for share in bandwidths]
    result = Measurement()
    rows = []
    for size in sizes:
        apply = partial(FILTERS[filter], bandwidth=size)
        rows.append(stored(_correct(subject, lambda images, _, apply=apply: apply(images))))
        result.accuracy(f"filter={filter};bandwidth={size}", rows[-1])
    result.arrays = {"bandwidths": np.array(sizes), "correct": np.stack(rows)}
    return result


@PROBES.register("perturbation_bands")
def perturbation_bands(subject: Subject, *, attack: str, bandwidths: list[str]) -> Measurement:
    """Robust accuracy when the perturbation is filtered before it is added (sar, figure 6)."""
    sizes = [bandwidth_at(subject.side, share) for share in bandwidths]
    result = Measurement(arrays={"bandwidths": np.array(sizes)})
    for name in ("lowpass", "highpass"):
        rows = []
        for size in sizes:
            parts = subject.perturbation.split(500)
            noise = torch.cat([FILTERS[name](part, size) for part in parts])
            rows.append(stored(_correct(subject, added(noise))))
            result.accuracy(
                f"attack={attack};perturbation_filter={name};bandwidth={size}", rows[-1]
            )
        result.arrays[f"correct_{name}"] = np.stack(rows)
    return result
