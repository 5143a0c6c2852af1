"""Accuracy on attacked images behind a low-pass filter that the attacker did not know of."""

import torch
from torch import Tensor

from passband.evaluation import added, perturbations, predictions
from passband.probes import PROBES, Measurement, Subject, stored
from passband.quantities import bandwidth_at
from passband.spectra.filters import lowpass


@PROBES.register("accuracy_under_filtered_attacks")
def accuracy_under_filtered_attacks(
    subject: Subject,
    *,
    attack: str,
    attacks: list[dict],
    bandwidths: list[str],
    images: int | None = None,
) -> Measurement:
    """Accuracy on clean and attacked images behind low-pass filters (fourier_study, table 1).

    attack: the one whose perturbations are stored already; attacks: more of them. Every image is
    attacked, also those that are misclassified without an attack: noise and filter may set them
    right. The attack sees the network without a filter; what it made is filtered (not clipped) and
    classified. The whole side as bandwidth is no filter.
    """
    subject = subject.first(images)
    sizes = [bandwidth_at(subject.side, share) for share in bandwidths]
    rows = [
        _behind_filters(subject, sizes),
        _behind_filters(subject, sizes, subject.perturbation),
    ]
    for one in attacks:
        noise = perturbations(
            subject.model, subject.images, subject.labels, one, subject.seed, subject.compute
        )
        rows.append(_behind_filters(subject, sizes, noise))
    names = [attack, *(one["name"] for one in attacks)]
    found = Measurement(
        arrays={
            "bandwidths": torch.tensor(sizes).numpy(),
            "correct": stored(torch.stack(rows)),
        },
        metadata={"attacks": names},
    )
    for name, by_bandwidth in zip(["none", *names], found.arrays["correct"], strict=True):
        for size, correct in zip(sizes, by_bandwidth, strict=True):
            found.accuracy(f"attack={name};filter=lowpass;bandwidth={size}", correct)
    return found


def _behind_filters(subject: Subject, sizes: list[int], noise: Tensor | None = None) -> Tensor:
    """Which images [K, N] are classified correctly behind each of the filters."""
    attacked = (lambda images, _: images) if noise is None else added(noise)

    def correct(size: int) -> Tensor:
        def change(images: Tensor, part: slice) -> Tensor:
            shown = attacked(images, part)
            return shown if size == subject.side else lowpass(shown, size)

        return predictions(subject.model, subject.images, subject.compute, change) == subject.labels

    return torch.stack([correct(size) for size in sizes])
