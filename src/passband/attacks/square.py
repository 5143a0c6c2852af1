"""Square Attack in the l-infinity ball (Andriushchenko et al. 2020): random search."""

from collections.abc import Iterator
from math import sqrt

import torch
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, exact
from passband.attacks.objectives import margins
from passband.attacks.standing import in_few_sizes, standing
from passband.draws import Draws
from passband.options import PositiveShare, Queries, Restarts, Share

HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # last query of each share of pixels
BLOCK = 250  # queries whose random numbers are drawn together, at most


def blocks(
    queries: int, initial_share: float, height: int, width: int
) -> Iterator[tuple[int, int, int]]:
    """(first query, number of queries, side of their squares), in turn.

    A square holds the share initial_share of the pixels until query 10, and half the share after
    each of the queries of HALVINGS (section 3.2, and the schedule of the authors' code).
    """
    share, first = initial_share, 0
    for last in (*HALVINGS, queries):
        end = min(last + 1, queries)
        side = min(max(round(sqrt(share * height * width)), 1), height, width)
        for start in range(first, end, BLOCK):
            yield start, min(BLOCK, end - start), side
        share, first = share / 2, end


def search(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    restart: int,
    epsilon: float,
    queries: int,
    initial_share: float,
) -> Tensor:
    """One run of Algorithm 1, from vertical stripes; an image stops at the first query that fools.

    Every query moves one square of an image to the edge of the ball, each channel up or down, and
    the change stays if the margin of error grows. A change that clipping undoes is not evaluated.
    """
    _, channels, height, width = images.shape
    y, x = (torch.arange(side, device=images.device) for side in (height, width))
    low, high = (images - epsilon).clamp_(min=0), (images + epsilon).clamp_(max=1)
    up = draws.signs(("stripes", restart), (channels, 1, width)) > 0
    best = torch.where(up, high, low)
    highest = margins(logits_of(best), labels)
    result, place = best.clone(), torch.arange(len(images), device=images.device)

    for first, count, side in blocks(queries, initial_share, height, width):
        chosen = draws.take(place)
        top = chosen.integers(("top", restart, first), height - side + 1, (count, 1))
        left = chosen.integers(("left", restart, first), width - side + 1, (count, 1))
        up = chosen.signs(("sign", restart, first), (count, channels, 1, 1)) > 0
        for query in range(count):
            stands = highest <= 0
            if not stands.all():
                result[place[~stands]] = best[~stands]
                place, labels, low, high, best, highest, top, left, up = (
                    each[stands]
                    for each in (place, labels, low, high, best, highest, top, left, up)
                )
                if len(place) == 0:
                    return result
            rows, columns = (
                (axis >= start[:, query]) & (axis < start[:, query] + side)
                for axis, start in ((y, top), (x, left))
            )
            inside = rows[:, None, :, None] & columns[:, None, None, :]
            proposed = torch.where(inside, torch.where(up[:, query], high, low), best)
            changed = (proposed != best).flatten(1).any(1).nonzero()[:, 0]
            if len(changed) == 0:
                continue
            proposed = proposed[changed]
            found = margins(logits_of(proposed), labels[changed])
            better = found > highest[changed]
            kept = changed[better]
            best[kept], highest[kept] = proposed[better], found[better]

    result[place] = best
    return result


@ATTACKS.register("square", drops_images=True)
@exact
@torch.no_grad()
def square(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    epsilon: Share,
    queries: Queries,
    initial_share: PositiveShare,
    restarts: Restarts = 1,
) -> Tensor:
    """Square Attack: random search with `queries` queries, repeated `restarts` times.

    An image that stands at the end comes back as the last run left it, one that is wrong already
    clean.

    Args:
        epsilon: radius of the l-infinity ball around the image.
        queries: number of queries in each run.
        initial_share: share of an image's pixels that the first squares cover.
        restarts: number of runs, each on the images that withstood the previous ones.
    """
    logits_of = in_few_sizes(logits_of)
    result = images.clone()
    alive, _ = standing(logits_of, images, labels)
    for restart in range(restarts):
        if len(alive) == 0:
            break
        clean, true = images[alive], labels[alive]
        chosen = draws.take(alive)
        result[alive] = search(
            logits_of, clean, true, chosen, restart, epsilon, queries, initial_share
        )
        alive = alive[logits_of(result[alive]).argmax(1) == true]
    return result
