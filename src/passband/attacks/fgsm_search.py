"""The smallest step along the signed gradient that fools the network, by line search.

The search is that of foolbox 1.x (Rauber et al. 2017), which hfc used for its table 2.
"""

import torch
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, exact
from passband.attacks.objectives import signed_gradient
from passband.attacks.standing import in_few_sizes, per_image, standing
from passband.draws import Draws
from passband.options import PositiveShare, Steps


def first_fooling(
    logits_of: LogitsOf, images: Tensor, labels: Tensor, direction: Tensor, sizes: Tensor
) -> Tensor:
    """Index of the first of each image's K step sizes that fools: int64 [N], K if none does.

    The network is shown images + size * direction, clipped to [0, 1]; images and direction are
    [N, C, H, W], sizes [N, K]. An image leaves at its first success, and the remaining ones are
    shown at several sizes at once, so that every pass through the network has about N images.
    """
    count = sizes.shape[1]
    first = torch.full_like(labels, count)
    alive, tried = torch.arange(len(images), device=images.device), 0
    while len(alive) and tried < count:
        ahead = sizes[alive, tried : tried + len(images) // len(alive)]
        steps = ahead[:, :, None, None, None] * direction[alive, None]
        shown = (images[alive, None] + steps).clamp_(0, 1).flatten(0, 1)
        with torch.no_grad():
            predicted = logits_of(shown).argmax(1).view_as(ahead)
        wrong = predicted != labels[alive, None]
        found = wrong.any(1)
        first[alive[found]] = tried + wrong[found].int().argmax(1)
        alive, tried = alive[~found], tried + ahead.shape[1]
    return first


@ATTACKS.register("fgsm_search", search=True, drops_images=True)
@exact
def fgsm_search(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    largest: PositiveShare,
    sizes: Steps,
    finer: Steps,
) -> Tensor:
    """FGSM with the smallest epsilon that fools: `sizes` values are tried in increasing order.

    The gradient is taken once, at the clean image. If one of the first `finer` values fools, as
    many values between 0 and that one are tried in turn. FGSM may fail with epsilons above the one
    found. An image that is misclassified already, or that no value fools, is returned clean. No
    random numbers are drawn.

    Args:
        largest: the largest epsilon.
        sizes: number of equidistant values of epsilon, up to `largest`.
        finer: number of values in the second, finer search, which follows if one of this many
            first values fools.
    """
    logits_of = in_few_sizes(logits_of)
    result = images.clone()
    alive, _ = standing(logits_of, images, labels)
    if len(alive) == 0:
        return result
    clean, true = images[alive], labels[alive]
    _, direction = signed_gradient(logits_of, clean, true)

    def equidistant(number: int) -> Tensor:
        return torch.arange(1, number + 1, device=clean.device, dtype=clean.dtype) / number

    coarse = (largest * equidistant(sizes)).expand(len(clean), -1)
    first = first_fooling(logits_of, clean, true, direction, coarse)
    fooled = first < sizes
    size = coarse.gather(1, first.clamp(max=sizes - 1)[:, None])
    early = fooled & (first < finer)
    fine = size[early] * equidistant(finer)
    second = first_fooling(logits_of, clean[early], true[early], direction[early], fine)
    # The last fine value equals the coarse one, which fooled, but may not fool again by rounding.
    size[early] = fine.gather(1, second.clamp(max=finer - 1)[:, None])
    found = (clean + per_image(size[:, 0]) * direction).clamp_(0, 1)
    result[alive[fooled]] = found[fooled]
    return result
