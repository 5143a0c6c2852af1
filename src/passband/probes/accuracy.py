"""Accuracy on filtered images, and under filtered perturbations."""

import numpy as np
import torch
from torch import Tensor

from passband.attacks import describe as describe_attack
from passband.evaluation import added, predictions
from passband.options import AttackName, FilterName
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.filters import apply, describe, size_of


@PROBES.register("filtered_accuracy")
def filtered_accuracy(subject: Subject, *, filters: list[FilterName]) -> Measurement:
    """Accuracy on natural images behind filters (sar, table I and figure 2).

    Args:
        filters: the filters, each measured separately.
    """
    result, rows = Measurement(), []
    for filter in filters:
        rows.append(stored(_correct(subject, lambda images, _, row=filter: apply(row, images))))
        result.accuracy(describe(filter, subject.side), rows[-1])
    sizes = [size_of(filter, subject.side) for filter in filters]
    result.arrays = {"bandwidths": np.array(sizes), "correct": np.stack(rows)}
    return result


@PROBES.register("perturbation_bands")
def perturbation_bands(
    subject: Subject, *, attack: AttackName, low: list[FilterName], high: list[FilterName]
) -> Measurement:
    """Robust accuracy when the perturbation is filtered before it is added (sar, figure 6).

    Args:
        attack: the attack whose perturbations are filtered.
        low: filters that keep low frequencies, each measured separately.
        high: filters that keep high frequencies, likewise.
    """
    result = Measurement()
    for kept, filters in {"low": low, "high": high}.items():
        rows = []
        for filter in filters:
            parts = subject.perturbation.split(500)
            noise = torch.cat([apply(filter, part) for part in parts])
            rows.append(stored(_correct(subject, added(noise))))
            described = describe(filter, subject.side)
            result.accuracy(f"{describe_attack(attack)};perturbation_{described}", rows[-1])
        result.arrays[f"correct_{kept}"] = np.stack(rows)
        sizes = [size_of(filter, subject.side) for filter in filters]
        result.arrays[f"bandwidths_{kept}"] = np.array(sizes)
    return result


def _correct(subject: Subject, change) -> Tensor:
    return predictions(subject.model, subject.images, subject.compute, change) == subject.labels
