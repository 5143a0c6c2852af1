"""Spectral alignment regularisation (sar, section V, equation 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor


def spectral_distance(
    natural: Tensor, adversarial: Tensor, distance: str, transform: str
) -> Tensor:
    """How far the spectra of two sets of logits [N, classes] lie apart: 0-d, at least 0.

    transform "sample", the paper's equation: each image's logits are transformed alone (DFT over
    the classes, not normalised), and the distances are averaged over the batch. l1 sums the
    absolute real and imaginary parts of the difference, l2 is its Euclidean norm (by Parseval
    sqrt(classes) times that of the logits), cosine is 1 - the cosine of the angle between the two
    spectra.

    transform "batch", the authors' code: one DFT over batch x class, and the spectrum counts as
    one vector. l1 is the mean absolute value of its 2 N classes parts, l2 their root mean square,
    cosine as above.
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
