"""Accuracy under attacks that are run for one probe only, without storing perturbations."""

import torch
from torch import Tensor

from passband.attacks import describe
from passband.attacks.objectives import objective
from passband.compute import Compute
from passband.evaluation import added, batches, perturbations, predictions
from passband.models.batch_moments import InEvaluationBatches
from passband.options import AttackName, Images
from passband.probes import PROBES, Measurement, Subject, stored


@PROBES.register("accuracy_under_attacks")
def accuracy_under_attacks(
    subject: Subject, *, attacks: list[AttackName], images: Images | None = None
) -> Measurement:
    """Accuracy on clean images and under each of several attacks.

    Images that are misclassified without an attack count as broken and are not attacked. Also
    recorded is which images have an input gradient of exactly zero in the autocast dtype of the
    attacks, a sign of gradient masking.

    Args:
        attacks: the attacks, run for this probe only.
        images: number of test images, the first ones; all if left out.
    """
    subject = subject.first(images)
    clean = still_right(subject, torch.arange(len(subject.labels), device=subject.labels.device))
    rows = [mask(still_right(subject, clean, attack), subject) for attack in attacks]
    found = Measurement(metadata={"attacks": [attack["name"] for attack in attacks]})
    found.arrays = {
        "correct_clean": stored(mask(clean, subject)),
        "correct": stored(torch.stack(rows)),
        "zero_gradient": stored(_zero_gradients(subject)),
    }
    found.accuracy("attack=none", found.arrays["correct_clean"])
    for attack, row in zip(attacks, found.arrays["correct"], strict=True):
        found.accuracy(describe(attack), row)
    zero = found.arrays["zero_gradient"]
    found.rows.append(("", "zero_gradient_share", 100 * float(zero.mean()), len(zero), "percent"))
    return found


@PROBES.register("worst_case_accuracy")
def worst_case_accuracy(
    subject: Subject, *, attacks: list[AttackName], images: Images | None = None
) -> Measurement:
    """Accuracy under several attacks in turn, each run on the images that withstood those before.

    With the four attacks of AutoAttack (Croce and Hein 2020) this is its standard version.

    Args:
        attacks: the attacks, in the order in which they are run.
        images: number of test images, the first ones; all if left out.
    """
    subject = subject.first(images)
    standing = still_right(subject, torch.arange(len(subject.labels), device=subject.labels.device))
    found = Measurement(metadata={"attacks": [attack["name"] for attack in attacks]})
    clean, rows = stored(mask(standing, subject)), []
    found.accuracy("attack=none", clean)
    for place, attack in enumerate(attacks):
        standing = still_right(subject, standing, attack)
        rows.append(mask(standing, subject))
        found.accuracy(_described_ensemble(attacks[: place + 1]), stored(rows[-1]))
    found.arrays = {"correct_clean": clean, "survived": stored(torch.stack(rows))}
    return found


def _described_ensemble(attacks: list[dict]) -> str:
    """The names of the attacks, then the constants of each with its name before the key."""
    names = "+".join(attack["name"] for attack in attacks)
    constants = [
        f"{attack['name']}.{pair}" for attack in attacks for pair in describe(attack).split(";")[1:]
    ]
    return ";".join([f"attack={names}", *constants])


def still_right(subject: Subject, indices: Tensor, attack: dict | None = None) -> Tensor:
    """Those of the images at `indices` [K] that are classified correctly (under the attack).

    A network with batch moments is given all images, since its outputs depend on whole batches.
    """
    if len(indices) == 0:
        return indices
    standing = indices
    if isinstance(subject.model, InEvaluationBatches):
        indices = torch.arange(len(subject.labels), device=indices.device)
    images, labels = subject.images[indices], subject.labels[indices]
    if attack is None:
        found = predictions(subject.model, images, subject.compute)
    else:
        noise = perturbations(
            subject.model, images, labels, attack, subject.seed, subject.compute, indices
        )
        found = predictions(subject.model, images, subject.compute, added(noise))
    return standing[torch.isin(standing, indices[found == labels])]


def mask(indices: Tensor, subject: Subject) -> Tensor:
    """Which of the subject's N images are at `indices` [K]: bool [N]."""
    found = torch.zeros(len(subject.labels), dtype=torch.bool, device=indices.device)
    found[indices] = True
    return found


def _zero_gradients(subject: Subject) -> Tensor:
    """Which images [N] have a cross-entropy whose gradient is zero in every pixel."""
    return torch.cat(
        [
            _gradients(subject.model, subject.images[part], subject.labels[part], subject.compute)
            .abs()
            .amax((1, 2, 3))
            == 0
            for part in batches(len(subject.labels), subject.compute)
        ]
    )


def _gradients(model, images: Tensor, labels: Tensor, compute: Compute) -> Tensor:
    inputs = compute.images(images).requires_grad_()
    logits_of = compute.logits_of(model)
    loss = objective("cross_entropy", logits_of, inputs, labels)(logits_of(inputs))
    return torch.autograd.grad(loss, inputs)[0]
