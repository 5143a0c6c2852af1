"""Auto-PGD (Croce and Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble
of diverse parameter-free attacks", section 3), with cross-entropy or the targeted DLR loss."""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, exact
from passband.attacks.standing import in_few_sizes, likely_targets, per_image, standing
from passband.draws import Draws
from passband.errors import UserError
from passband.options import Restarts, Share, Steps, TargetClasses

INERTIA = 0.75  # alpha: the share of the new direction in a step, the rest is the last move
RISES = 0.75  # rho: a window in which fewer steps raised the loss ends with a halved step size

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each image [N]; targets are not used."""
    return F.cross_entropy(logits, labels, reduction="none")


def dlr_targeted(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """The targeted difference of logits ratio [N] (section 4.2, equation 6).

    -(z_y - z_t) / (z_1 - (z_3 + z_4) / 2), with z_1 >= z_2 >= ... the sorted logits [N, classes];
    shifting or scaling the logits leaves it as it is. Raises UserError below four classes.
    """
    if logits.shape[1] < 4:
        raise UserError(
            f"the targeted DLR loss needs at least 4 classes, and the model has {logits.shape[1]}; "
            "use loss cross_entropy."
        )
    highest = logits.topk(4).values
    true, aimed = (logits.gather(1, each[:, None])[:, 0] for each in (labels, targets))
    spread = highest[:, 0] - (highest[:, 2] + highest[:, 3]) / 2
    return (aimed - true) / (spread + 1e-12)


LOSSES: dict[str, Loss] = {"cross_entropy": cross_entropy, "dlr_targeted": dlr_targeted}


def windows(steps: int) -> dict[int, int]:
    """The checkpoints: after how many steps the step size is reviewed, and the window's length.

    The first window is 22 % of the steps, each next one 3 % of them shorter, down to 6 %
    (section 3.2).

    >>> list(windows(100))
    [22, 41, 57, 70, 80, 87, 93, 99]
    """
    length, shorter, least = (max(int(share * steps), 1) for share in (0.22, 0.03, 0.06))
    found, end = {}, length
    while end <= steps:
        found[end] = length
        length = max(length - shorter, least)
        end += length
    return found


def climb(
    logits_of: LogitsOf,
    loss_of: Loss,
    images: Tensor,
    labels: Tensor,
    targets: Tensor,
    start: Tensor,
    epsilon: float,
    steps: int,
) -> Tensor:
    """One run of Algorithm 1 from `start`; an image stops at the first iterate that fools.

    Returns that iterate, or the one with the highest loss where none fooled, [N, C, H, W].
    """
    low, high = (images - epsilon).clamp_(min=0), (images + epsilon).clamp_(max=1)
    reviews = windows(steps)

    def clipped(x: Tensor) -> Tensor:
        return torch.minimum(torch.maximum(x, low), high)

    def evaluate(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            logits = logits_of(x)
            loss = loss_of(logits, labels, targets)
            (gradient,) = torch.autograd.grad(loss.sum(), x)
        return loss.detach(), gradient, logits.detach().argmax(1) == labels

    result, place = start.clone(), torch.arange(len(images), device=images.device)
    x = previous = best = start
    loss, gradient, stands = evaluate(x)
    last_loss = best_loss = reviewed_loss = loss
    best_gradient = gradient
    size = per_image(torch.full_like(loss, 2 * epsilon))
    rises = torch.zeros_like(labels)
    halved = torch.ones_like(stands)

    for step in range(steps + 1):
        if step:
            stepped = clipped(x + size * gradient.sign())
            if step > 1:
                stepped = clipped(x + INERTIA * (stepped - x) + (1 - INERTIA) * (x - previous))
            previous, x = x, stepped
            loss, gradient, stands = evaluate(x)

        if not stands.all():
            result[place[~stands]] = x[~stands]
            (place, labels, targets, low, high, x, previous, best) = (
                each[stands] for each in (place, labels, targets, low, high, x, previous, best)
            )
            (loss, last_loss, best_loss, reviewed_loss, gradient, best_gradient) = (
                each[stands]
                for each in (loss, last_loss, best_loss, reviewed_loss, gradient, best_gradient)
            )
            size, rises, halved = size[stands], rises[stands], halved[stands]
            if len(place) == 0:
                return result

        rises += loss > last_loss
        last_loss = loss
        better = loss > best_loss
        best_loss = torch.maximum(loss, best_loss)
        best = torch.where(per_image(better), x, best)
        best_gradient = torch.where(per_image(better), gradient, best_gradient)
        if step in reviews:
            stuck = ~halved & (best_loss <= reviewed_loss)
            halved = (rises <= RISES * reviews[step]) | stuck
            size = torch.where(per_image(halved), size / 2, size)
            x = torch.where(per_image(halved), best, x)
            gradient = torch.where(per_image(halved), best_gradient, gradient)
            reviewed_loss, rises = best_loss, torch.zeros_like(rises)

    result[place] = best
    return result


@ATTACKS.register(
    "apgd",
    drops_images=True,
    above_zero={"loss=dlr_targeted": "target_classes"},
    zero={"loss=cross_entropy": "target_classes"},
)
@exact
def apgd(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    loss: Literal["cross_entropy", "dlr_targeted"],
    epsilon: Share,
    steps: Steps,
    restarts: Restarts = 1,
    target_classes: TargetClasses = 0,
) -> Tensor:
    """APGD in the l-infinity ball: `restarts` runs, with dlr_targeted for each target in turn.

    An image that stands at the end comes back as the iterate of highest loss of its last run; one
    that is wrong already comes back clean.

    Args:
        loss: what is maximised: the cross-entropy, or the difference of logits ratio for the target
            classes (`dlr_targeted`).
        epsilon: radius of the l-infinity ball around the image.
        steps: number of gradient steps of each run.
        restarts: runs per target class.
        target_classes: number of wrong classes to target, the most likely on the clean image
            first; all wrong classes if there are fewer, 0 for an attack without targets.

    Raises:
        UserError: for another loss, or dlr_targeted without targets or below four classes.
    """
    if loss not in LOSSES or (loss == "dlr_targeted") != (target_classes > 0):
        raise UserError(
            f"apgd: loss is {loss!r} with {target_classes} target_classes, expected cross_entropy "
            "without them or dlr_targeted with at least one."
        )
    logits_of = in_few_sizes(logits_of)
    result = images.clone()
    alive, logits = standing(logits_of, images, labels)
    targets = labels[alive, None]
    if target_classes:
        targets = likely_targets(logits, labels[alive], target_classes)
    for target in range(targets.shape[1]):
        for restart in range(restarts):
            if len(alive) == 0:
                return result
            clean, true = images[alive], labels[alive]
            purpose = ("start", target, restart)
            noise = 2 * draws.take(alive).uniform(purpose, tuple(images.shape[1:])) - 1
            noise /= noise.abs().amax((1, 2, 3), keepdim=True)
            start = (clean + epsilon * noise).clamp_(0, 1)
            aimed = targets[:, target]
            result[alive] = climb(
                logits_of, LOSSES[loss], clean, true, aimed, start, epsilon, steps
            )
            with torch.no_grad():
                stands = logits_of(result[alive]).argmax(1) == true
            alive, targets = alive[stands], targets[stands]
    return result
