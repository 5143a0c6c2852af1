"""Accuracy on attacked images behind filters that the attack did not see."""

import torch
from torch import Tensor

from passband.attacks import describe as describe_attack
from passband.evaluation import added, perturbations, predictions
from passband.options import AttackName, FilterName, Images
from passband.probes import PROBES, Measurement, Subject, stored
from passband.spectra.filters import apply, describe, size_of


@PROBES.register("accuracy_under_filtered_attacks")
def accuracy_under_filtered_attacks(
    subject: Subject,
    *,
    attacks: list[AttackName],
    filters: list[FilterName],
    images: Images | None = None,
) -> Measurement:
    """Accuracy on clean and attacked images behind filters (fourier_study, table 1).

    Every image is attacked, also those that are misclassified without an attack: noise and filter
    may set them right. The attack sees the network without a filter; its result is filtered (not
    clipped) and classified. A filter of the whole side is no filter.

    Args:
        attacks: the attacks, run for this probe only.
        filters: the filters, each measured separately.
        images: number of test images, the first ones; all if left out.
    """
    subject = subject.first(images)
    rows = [_behind_filters(subject, filters)]
    for one in attacks:
        noise = perturbations(
            subject.model, subject.images, subject.labels, one, subject.seed, subject.compute
        )
        rows.append(_behind_filters(subject, filters, noise))
    sizes = [size_of(filter, subject.side) for filter in filters]
    found = Measurement(
        arrays={
            "bandwidths": torch.tensor(sizes).numpy(),
            "correct": stored(torch.stack(rows)),
        },
        metadata={"attacks": [one["name"] for one in attacks]},
    )
    described = ["attack=none", *map(describe_attack, attacks)]
    for condition, by_filter in zip(described, found.arrays["correct"], strict=True):
        for filter, correct in zip(filters, by_filter, strict=True):
            found.accuracy(f"{condition};{describe(filter, subject.side)}", correct)
    return found


def _behind_filters(subject: Subject, filters: list[dict], noise: Tensor | None = None) -> Tensor:
    """Which images [K, N] are classified correctly behind each of the filters."""
    attacked = (lambda images, _: images) if noise is None else added(noise)

    def correct(filter: dict) -> Tensor:
        def change(images: Tensor, part: slice) -> Tensor:
            shown = attacked(images, part)
            return shown if size_of(filter, subject.side) == subject.side else apply(filter, shown)

        return predictions(subject.model, subject.images, subject.compute, change) == subject.labels

    return torch.stack([correct(filter) for filter in filters])
