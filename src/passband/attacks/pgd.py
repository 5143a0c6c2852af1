"""Projected gradient descent in the l-infinity ball (Madry et al. 2018)."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, in_float32
from passband.attacks.objectives import objective
from passband.draws import Draws
from passband.options import NonNegative, Restarts, Share, Steps


def ascend(
    logits_of: LogitsOf,
    objective: Callable[[Tensor], Tensor],
    images: Tensor,
    start: Tensor,
    epsilon: float,
    step_size: float,
    steps: int,
) -> Tensor:
    """Signed gradient ascent on objective(logits), projected to the ball and to [0, 1]."""
    low, high = (images - epsilon).clamp_(min=0), (images + epsilon).clamp_(max=1)
    adversarial = start
    for _ in range(steps):
        adversarial = adversarial.detach().requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(objective(logits_of(adversarial)), adversarial)
        stepped = adversarial.detach() + step_size * gradient.sign()
        adversarial = torch.minimum(torch.maximum(stepped, low), high)
    return adversarial


def started(images: Tensor, epsilon: float, start: str, draws: Draws, restart: int) -> Tensor:
    """Where an attack begins: the image ("clean"), a uniform point of the ball ("uniform"), or
    the image under a thousandth of standard normal noise ("normal", as TRADES does)."""
    if start == "clean":
        return images
    shape, purpose = tuple(images.shape[1:]), ("start", restart)
    if start == "uniform":
        noise = epsilon * (2 * draws.uniform(purpose, shape) - 1)
    else:
        noise = (0.001 * draws.normal(purpose, shape)).clamp_(-epsilon, epsilon)
    return (images + noise).clamp_(0, 1)


@ATTACKS.register("pgd", only={"confidence": "loss=margin"})
def pgd(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    epsilon: Share,
    step_size: Share,
    steps: Steps,
    start: Literal["clean", "uniform", "normal"],
    loss: Literal["cross_entropy", "margin", "kl"] = "cross_entropy",
    confidence: NonNegative | None = None,
    restarts: Restarts = 1,
) -> Tensor:
    """PGD-`steps`; with restarts an image keeps the first adversarial that fools `logits_of`.

    An image leaves after the restart that fooled it. In the precision of `logits_of` this gives the
    same robust accuracy as running all restarts on all images.

    A thousandth of noise is less than bfloat16 tells apart in most pixels; the divergence is then
    flat, and some images would never move. So the first step from a `normal` start, and the
    predictions on the clean image, are computed in float32. After it the distances are those of
    `step_size`.

    Args:
        epsilon: radius of the l-infinity ball around the image.
        step_size: length of each step, in every pixel.
        steps: number of gradient steps.
        start: where the attack begins: at the image (`clean`), at a `uniform` point of the ball, or
            after a thousandth of standard `normal` noise.
        loss: what is maximised: the cross-entropy, the `margin` between the largest wrong logit and
            the true one, or the divergence from the clean image's predictions (`kl`).
        confidence: the margin beyond which an image is pushed no further; for `margin` only,
            without a bound if left out.
        restarts: attempts; an image keeps the first that fools the network.
    """
    result = images.clone()
    alive = torch.arange(len(images), device=images.device)
    for restart in range(restarts):
        clean, true = images[alive], labels[alive]
        begin = started(clean, epsilon, start, draws.take(alive), restart)
        near = in_float32(logits_of) if start == "normal" else logits_of
        aim = objective(loss, near, clean, true, confidence)
        first = ascend(near, aim, clean, begin, epsilon, step_size, 1)
        result[alive] = ascend(logits_of, aim, clean, first, epsilon, step_size, steps - 1)
        if restart + 1 < restarts:
            with torch.no_grad():
                alive = alive[logits_of(result[alive]).argmax(1) == true]
            if len(alive) == 0:
                break
    return result
