"""Mixing of training images and labels (fourier_study, table 3 and the text below it), batched.

    mix(images, labels, classes, share, draws) -> (images, labels)

`images`: float [B, C, H, W] in [0, 1]; `labels`: int64 [B]; `share`: one number in [0, 1] for the
batch, from `beta_share`; `draws`: its key decides the pairing and the box of cutmix, so it must
differ from batch to batch. Mixup and cutmix pair the images by a permutation, which uses each of
them once as a partner, and return labels as weights float [B, classes] that sum to one. Cutout
pairs nothing and returns the labels as they were.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from scipy.special import betaincinv
from torch import Tensor

from passband.draws import Draws, key_of, permutation
from passband.errors import UserError

Mix = Callable[[Tensor, Tensor, int, float, Draws], tuple[Tensor, Tensor]]


def beta_share(key: int, alpha: float) -> float:
    """The draw from Beta(alpha, alpha), in [0, 1], that belongs to `key`.

    Uniform for alpha 1, nearly 0 or 1 for small and nearly 1/2 for large alpha. Raises UserError
    unless alpha is positive and finite.
    """
    if not 0 < alpha < math.inf:
        raise UserError(f"mixing: alpha is {alpha}, expected a number above 0.")
    return float(betaincinv(alpha, alpha, key_of(key, "share") / 2**63))


def mixup(
    images: Tensor, labels: Tensor, classes: int, share: float, draws: Draws
) -> tuple[Tensor, Tensor]:
    """share of each image and label, and 1 - share of its partner's (Zhang et al. 2018)."""
    partner = partners(images, draws)
    mixed = share * images + (1 - share) * images[partner]
    return mixed, weights(labels, partner, classes, share, images.dtype)


def cutmix(
    images: Tensor, labels: Tensor, classes: int, share: float, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Replace one box, at the same place in all images, by the partner's (Yun et al. 2019).

    The box has the share 1 - share of the pixels before the edges clip it (see `boxes`); labels
    are weighted by the pixels that it leaves after that.
    """
    partner = partners(images, draws)
    whole_batch = Draws(draws.key, torch.zeros(1, dtype=torch.int64, device=images.device))
    replaced = boxes(whole_batch, *images.shape[2:], 1 - share)
    left = 1 - replaced.to(images.dtype).mean()
    mixed = torch.where(replaced, images[partner], images)
    return mixed, weights(labels, partner, classes, left, images.dtype)


def cutout(
    images: Tensor, labels: Tensor, classes: int, share: float, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Blacken a box in each image, at its own place (DeVries and Taylor 2017).

    The box has the share `share` of the pixels before the edges clip it (see `boxes`).
    """
    return images.masked_fill(boxes(draws, *images.shape[2:], share), 0), labels


MIXINGS: dict[str, Mix] = {"mixup": mixup, "cutout": cutout, "cutmix": cutmix}


def mixed_loss(logits: Tensor, weights: Tensor, kind: str) -> Tensor:
    """The loss of logits [B, classes] under mixed labels [B, classes], 0-d.

    kind: bce, binary cross-entropy of every class by itself, the mean over batch *and* classes,
    as PyTorch takes it (the paper's loss; with C classes its gradient is about C times smaller
    than that of the sum over classes); or ce, cross-entropy with the weights as target, the mean
    over the batch, which equals share CE(own label) + (1 - share) CE(partner's label).
    """
    if kind == "bce":
        return F.binary_cross_entropy_with_logits(logits, weights)
    return F.cross_entropy(logits, weights)


def partners(images: Tensor, draws: Draws) -> Tensor:
    """Who is mixed into each image: a random permutation of the batch, int64 [B]."""
    return permutation(key_of(draws.key, "partners"), len(images), images.device)


def weights(
    labels: Tensor, partner: Tensor, classes: int, own: float | Tensor, dtype: torch.dtype
) -> Tensor:
    """Mixed labels [B, classes]: `own`, a number, for the label and the rest for the partner's."""
    target = F.one_hot(labels, classes).to(dtype)
    return own * target + (1 - own) * target[partner]


def boxes(draws: Draws, height: int, width: int, area: float) -> Tensor:
    """One box for each of the draws: bool [N, 1, H, W], true inside.

    The centre is a uniform pixel. The sides are sqrt(area) of the image's, rounded to pixels; an
    even side reaches one pixel further up and left of the centre than down and right. What sticks
    out of the image is cut off, so a box of full size covers all only if its centre is the middle.
    """
    rows, columns = (
        _extent(draws.integers(axis, side), side, round(math.sqrt(area) * side))
        for axis, side in (("row", height), ("column", width))
    )
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _extent(centre: Tensor, side: int, length: int) -> Tensor:
    """Which of `side` positions lie in a stretch of `length` around each centre: bool [N, side]."""
    offset = torch.arange(side, device=centre.device) - (centre[:, None] - length // 2)
    return (offset >= 0) & (offset < length)
