"""Projected gradient descent in the l-infinity ball (Madry et al. 2018)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf
from passband.random import Draws


def ascend(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    start: Tensor,
    epsilon: float,
    step_size: float,
    steps: int,
) -> Tensor:
    """Signed gradient ascent on the cross-entropy, projected to the ball and to [0, 1].

    The loss is summed over the batch: a mean would shrink the gradients of large batches.
    """
    low, high = (images - epsilon).clamp_(min=0), (images + epsilon).clamp_(max=1)
    adversarial = start
    for _ in range(steps):
        adversarial = adversarial.detach().requires_grad_()
        with torch.enable_grad():
            loss = F.cross_entropy(logits_of(adversarial), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, adversarial)
        stepped = adversarial.detach() + step_size * gradient.sign()
        adversarial = torch.minimum(torch.maximum(stepped, low), high)
    return adversarial


@ATTACKS.register("pgd")
def pgd(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    epsilon: float,
    step_size: float,
    steps: int,
    random_start: bool,
    restarts: int = 1,
) -> Tensor:
    """PGD-`steps`; with restarts an image keeps the first adversarial that fools `logits_of`.

    An image leaves after the restart that fooled it. In the precision of `logits_of` this gives
    the same robust accuracy as running all restarts on all images.
    """
    result = images.clone()
    alive = torch.arange(len(images), device=images.device)
    for restart in range(restarts):
        clean, true = images[alive], labels[alive]
        start = clean
        if random_start:
            noise = draws.take(alive).uniform(("start", restart), tuple(images.shape[1:]))
            start = (clean + epsilon * (2 * noise - 1)).clamp_(0, 1)
        result[alive] = ascend(logits_of, clean, true, start, epsilon, step_size, steps)
        if restart + 1 < restarts:
            with torch.no_grad():
                alive = alive[logits_of(result[alive]).argmax(1) == true]
            if len(alive) == 0:
                break
    return result
