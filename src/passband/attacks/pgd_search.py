"""PGD with the smallest epsilon that fools the network, by bisection.

The search is that of foolbox 1.x (Rauber et al. 2017), which hfc used for its table 2.
"""

from typing import Annotated

import torch
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, exact
from passband.attacks.objectives import signed_gradient
from passband.attacks.standing import in_few_sizes, per_image, standing
from passband.draws import Draws
from passband.options import Positive, PositiveShare, Range, Steps


def first_fooling(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    direction: Tensor,
    epsilons: Tensor,
    step_share: float,
    steps: int,
) -> tuple[Tensor, Tensor]:
    """The first iterate of PGD from the clean image that fools, with a ball of its own per image.

    Args:
        direction: the signed gradient at the images [N, C, H, W], the first step of every run.
        epsilons: radius of each image's ball [N].
        step_share: length of each step as a share of the radius.
        steps: maximum number of steps.

    Returns:
        Positions of the M images that were fooled, int64 [M], and their iterates [M, C, H, W].
    """
    radius = per_image(epsilons)
    low, high = (images - radius).clamp_(min=0), (images + radius).clamp_(max=1)
    place, x, size = torch.arange(len(images), device=images.device), images, step_share * radius
    places, iterates = [place[:0]], [images[:0]]
    for step in range(steps):
        x = torch.minimum(torch.maximum(x + size * direction, low), high)
        if step + 1 < steps:
            predicted, direction = signed_gradient(logits_of, x, labels)
        else:
            with torch.no_grad():
                predicted = logits_of(x).argmax(1)
        wrong = predicted != labels
        if not wrong.any():
            continue
        places.append(place[wrong])
        iterates.append(x[wrong])
        place, labels, direction, low, high, size, x = (
            each[~wrong] for each in (place, labels, direction, low, high, size, x)
        )
        if len(place) == 0:
            break
    return torch.cat(places), torch.cat(iterates)


@ATTACKS.register("pgd_search", search=True, drops_images=True)
@exact
def pgd_search(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    first: Positive,
    growth: Annotated[float, Range(1, 1_000, above=True)],
    tries: Steps,
    steps: Steps,
    step_share: PositiveShare,
) -> Tensor:
    """PGD with the smallest epsilon that fools: epsilon grows until PGD fools, then is bisected.

    PGD starts at the clean image and stops at the first iterate that fools, which may be nearer
    than epsilon. The nearest of all iterates that fooled, in the l-infinity norm, is returned. The
    bisection assumes that if PGD fools with some epsilon, it does with every larger one. An image
    that is misclassified already, or that no epsilon fools, is returned clean. No random numbers
    are drawn.

    Args:
        first: the first epsilon; it may exceed 1.
        growth: factor by which epsilon grows until PGD fools.
        tries: maximum number of growing epsilons, and number of bisections.
        steps: maximum number of gradient steps for each epsilon.
        step_share: length of each step as a share of epsilon.
    """
    logits_of = in_few_sizes(logits_of)
    result = images.clone()
    alive, _ = standing(logits_of, images, labels)
    if len(alive) == 0:
        return result
    clean, true = images[alive], labels[alive]
    nearest, best = torch.full_like(clean[:, 0, 0, 0], torch.inf), clean.clone()
    _, direction = signed_gradient(logits_of, clean, true)

    def fooled_at(place: Tensor, epsilons: Tensor) -> Tensor:
        """Which images at `place` [K] are fooled with these epsilons [K]: bool [K]."""
        here, iterates = first_fooling(
            logits_of, clean[place], true[place], direction[place], epsilons, step_share, steps
        )
        distance = (iterates - clean[place[here]]).abs().amax((1, 2, 3))
        nearer = distance < nearest[place[here]]
        nearest[place[here[nearer]]] = distance[nearer]
        best[place[here[nearer]]] = iterates[nearer]
        fooled = torch.zeros_like(place, dtype=torch.bool)
        fooled[here] = True
        return fooled

    good = torch.full_like(nearest, first)
    place = torch.arange(len(clean), device=clean.device)
    for _ in range(tries):
        place = place[~fooled_at(place, good[place])]
        if len(place) == 0:
            break
        good[place] *= growth
    place = nearest.isfinite().nonzero()[:, 0]
    good, bad = good[place], torch.zeros_like(good[place])
    for _ in range(tries if len(place) else 0):
        middle = (good + bad) / 2
        fooled = fooled_at(place, middle)
        good, bad = torch.where(fooled, middle, good), torch.where(fooled, bad, middle)
    result[alive] = best
    return result
