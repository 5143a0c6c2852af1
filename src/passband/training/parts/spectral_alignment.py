"""Spectral alignment regularisation (sar, section V, equation 3)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.options import Positive
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register(
    "spectral_alignment",
    role="regulariser",
    needs={"natural_branch=live": "natural_logits", "natural_branch=average": "average_logits"},
    requires={"": "adversary"},
    excludes={"mixed-sample augmentation": "it needs one label per image"},
    starts="learning-rate drop",
)
def spectral_alignment(
    batch: Batch,
    *,
    coefficient: Positive,
    distance: Literal["l1", "l2", "cosine"],
    transform: Literal["sample", "batch"],
    natural_branch: Literal["live", "average"],
) -> Tensor:
    """Penalise the distance between the spectra of natural and adversarial logits.

    Args:
        coefficient: weight of the distance in the loss.
        distance: distance between the spectra: `l1`, `l2` (Euclidean) or `cosine`.
        transform: whether each image's logits are transformed alone (`sample`, the paper's
            equation) or all logits of a batch together (`batch`, the authors' code).
        natural_branch: whose natural logits are compared: the model's own (`live`, which then
            learns from both) or those of the averaged model (`average`).
    """
    natural = batch.natural_logits if natural_branch == "live" else batch.average_logits
    return coefficient * spectral_distance(natural, batch.logits, distance, transform)


def spectral_distance(
    natural: Tensor, adversarial: Tensor, distance: str, transform: str
) -> Tensor:
    """How far the spectra of two sets of logits lie apart.

    Transform "sample", the paper's equation: each image's logits are transformed alone (DFT over
    the classes, not normalised), and the distances are averaged over the batch. l1 sums the
    absolute real and imaginary parts of the difference, l2 is its Euclidean norm (by Parseval
    sqrt(classes) times that of the logits), cosine is 1 - the cosine of the angle between the two
    spectra.

    Transform "batch", the authors' code: one DFT over batch x class, and the spectrum counts as
    one vector. l1 is the mean absolute value of its 2 N classes parts, l2 their root mean square,
    cosine as above.

    Args:
        natural: logits of natural images [N, classes].
        adversarial: logits of adversarial images [N, classes].
        distance: l1, l2 or cosine.
        transform: sample or batch.

    Returns:
        0-d, at least 0.
    """
    if distance == "cosine":
        parts = _parts(natural, transform), _parts(adversarial, transform)
        return 1 - F.cosine_similarity(*parts, dim=1).mean()
    order = {"l1": 1, "l2": 2}[distance]
    parts = _parts(adversarial - natural, transform)
    length = torch.linalg.vector_norm(parts, order, dim=1).mean()
    return length if transform == "sample" else length / parts.numel() ** (1 / order)


def _parts(logits: Tensor, transform: str) -> Tensor:
    """Real and imaginary parts of the spectrum: [N, 2 classes], or [1, 2 N classes]."""
    if transform == "sample":
        return torch.view_as_real(torch.fft.fft(logits)).flatten(1)
    return torch.view_as_real(torch.fft.fft2(logits)).flatten()[None]
