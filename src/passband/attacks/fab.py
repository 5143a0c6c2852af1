"""FAB, the fast adaptive boundary attack (Croce and Hein 2020, "Minimally distorted adversarial
examples with a fast adaptive boundary attack"), targeted, in the l-infinity norm."""

import torch
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, exact
from passband.attacks.standing import in_few_sizes, likely_targets, per_image, standing
from passband.draws import Draws
from passband.options import Restarts, Share, SomeClasses, Steps

LARGEST_BIAS = 0.1  # alpha_max: the largest weight of the clean image's projection
OVERSHOOT = 1.05  # eta: how far a step goes, relative to the linearised boundary
BACKWARD = 0.9  # beta: the share of the perturbation that is kept after crossing the boundary


def to_boundary(points: Tensor, values: Tensor, weights: Tensor) -> Tensor:
    """The step of least l-infinity norm from each point to a plane, within the box [0, 1].

    points and weights: [N, D]; values [N]. The plane is values + <weights, step> = 0. If it does
    not meet the box, the step ends in the corner nearest to it. Every coordinate moves by the same
    amount, or as far as the box lets it; the amount solves a concave piecewise linear equation, on
    which Newton's iteration ends exactly (the problem is that of section 2.2, solved without its
    sorting).
    """
    direction = -(values[:, None] * weights).sign()
    room = torch.where(direction > 0, 1 - points, points) * direction.abs()
    slopes, goal = weights.abs(), values.abs()[:, None]
    amount, free = torch.zeros_like(goal), room > 0
    while True:
        slope = (slopes * free).sum(1, keepdim=True)
        gained = (slopes * torch.minimum(room, amount)).sum(1, keepdim=True)
        amount = torch.maximum(amount, amount + (goal - gained) / slope.clamp(min=1e-30))
        still_free = room > amount
        if torch.equal(still_free, free):
            return direction * torch.minimum(room, amount)
        free = still_free


def walk(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    start: Tensor,
    epsilon: float,
    steps: int,
) -> Tensor:
    """One run of Algorithm 1 from `start`, towards the boundary between label and target.

    An image stops at the first iterate in the ball that fools; the others come back clean.
    """
    result, place = images.clone(), torch.arange(len(images), device=images.device)
    clean, x = images, start
    for _ in range(steps):
        x.requires_grad_()
        with torch.enable_grad():
            logits = logits_of(x)
            true, aimed = (logits.gather(1, each[:, None])[:, 0] for each in (labels, targets))
            ahead = aimed - true
            (gradient,) = torch.autograd.grad(ahead.sum(), x)
        x, ahead, gradient = x.detach(), ahead.detach(), gradient.flatten(1)
        ahead_of_clean = ahead + ((clean - x).flatten(1) * gradient).sum(1)
        steps_to = to_boundary(
            torch.cat((x.flatten(1), clean.flatten(1))),
            torch.cat((ahead, ahead_of_clean)),
            gradient.repeat(2, 1),
        )
        lengths = steps_to.abs().amax(1).clamp_(min=1e-8).view(2, -1)
        bias = per_image((lengths[0] / lengths.sum(0)).clamp_(max=LARGEST_BIAS))
        step, step_of_clean = steps_to.view(2, *x.shape)
        x = (1 - bias) * (x + OVERSHOOT * step) + bias * (clean + OVERSHOOT * step_of_clean)
        x.clamp_(0, 1)
        with torch.no_grad():
            crossed = logits_of(x).argmax(1) != labels
        fallen = crossed & ((x - clean).abs().amax((1, 2, 3)) <= epsilon)
        if fallen.any():
            result[place[fallen]] = x[fallen]
            place, labels, targets, clean, x, crossed = (
                each[~fallen] for each in (place, labels, targets, clean, x, crossed)
            )
            if len(place) == 0:
                break
        x = torch.where(per_image(crossed), clean + BACKWARD * (x - clean), x)
    return result


@ATTACKS.register("fab", drops_images=True)
@exact
def fab(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    epsilon: Share,
    steps: Steps,
    target_classes: SomeClasses,
    restarts: Restarts = 1,
) -> Tensor:
    """FAB-T: for each of the most likely wrong classes in turn, `restarts` runs of `steps` steps.

    The first run starts at the clean image, the others anywhere within half the ball. FAB looks
    for the smallest perturbation; one that fits in the ball ends an image's turn. An image for
    which none was found comes back clean.

    Args:
        epsilon: radius of the l-infinity ball around the image.
        steps: number of gradient steps of each run.
        target_classes: number of wrong classes to target, the most likely on the clean image
            first; all wrong classes if there are fewer.
        restarts: runs per target class.
    """
    logits_of = in_few_sizes(logits_of)
    result = images.clone()
    alive, logits = standing(logits_of, images, labels)
    targets = likely_targets(logits, labels[alive], target_classes)
    for target in range(targets.shape[1]):
        for restart in range(restarts):
            if len(alive) == 0:
                return result
            clean, true = images[alive], labels[alive]
            start = clean.clone()
            if restart:
                purpose = ("start", target, restart)
                noise = 2 * draws.take(alive).uniform(purpose, tuple(images.shape[1:])) - 1
                start = (clean + epsilon / 2 * noise).clamp_(0, 1)
            result[alive] = walk(logits_of, clean, true, targets[:, target], start, epsilon, steps)
            with torch.no_grad():
                stands = logits_of(result[alive]).argmax(1) == true
            alive, targets = alive[stands], targets[stands]
    return result
