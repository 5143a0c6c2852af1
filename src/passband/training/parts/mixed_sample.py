"""Mixed-sample augmentations: mixup, cutout and cutmix, batched.

    function(images, labels, classes, share, draws) -> (images, labels)

images: float [B, C, H, W] in [0, 1]. labels: int64 [B]. share: one number in [0, 1] for the batch,
a float or 0-d, from `beta_share`. draws: its key decides the pairing and the box of cutmix, so it
must differ from batch to batch. Mixup and cutmix pair the images by a permutation, which uses each
of them once as a partner, and return labels as weights float [B, classes] that sum to one. Cutout
pairs nothing and returns the labels as they were (fourier_study, table 3 and the text below it).
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from scipy.special import betaincinv
from torch import Tensor

from passband.attacks.objectives import of_class
from passband.draws import Draws, key_of, on_device, permutation, timely
from passband.errors import UserError
from passband.options import Positive
from passband.training.batch import Batch, Mixed
from passband.training.parts import PARTS

Augmentation = Callable[[Tensor, Tensor, int, float | Tensor, Draws], tuple[Tensor, Tensor]]


@PARTS.register(
    "mixup",
    role="mixed-sample augmentation",
    requires={"of=adversarial": "adversary"},
)
def mixup(
    batch: Batch,
    images: Tensor,
    *,
    of: Literal["clean", "adversarial"],
    alpha: Positive,
    loss: Literal["bce", "ce"],
) -> Mixed:
    """Mixup (Zhang et al. 2018): blend pairs of images and their labels.

    Args:
        of: whether images are mixed before the attack (`clean`) or after it (`adversarial`).
        alpha: parameter of the Beta(alpha, alpha) distribution of the share; 1 is uniform.
        loss: loss of the mixed labels: binary cross-entropy of each class (`bce`) or
            cross-entropy (`ce`).
    """
    return _mixed(mixed_up, batch, images, alpha, loss)


@PARTS.register(
    "cutmix",
    role="mixed-sample augmentation",
    requires={"of=adversarial": "adversary"},
)
def cutmix(
    batch: Batch,
    images: Tensor,
    *,
    of: Literal["clean", "adversarial"],
    alpha: Positive,
    loss: Literal["bce", "ce"],
) -> Mixed:
    """CutMix (Yun et al. 2019): paste a box from another image and weight the labels by area.

    Args:
        of: whether images are mixed before the attack (`clean`) or after it (`adversarial`).
        alpha: parameter of the Beta(alpha, alpha) distribution of the share of the image that is
            kept; 1 is uniform.
        loss: loss of the mixed labels: binary cross-entropy of each class (`bce`) or
            cross-entropy (`ce`).
    """
    return _mixed(cut_mixed, batch, images, alpha, loss)


@PARTS.register(
    "cutout",
    role="mixed-sample augmentation",
    requires={"of=adversarial": "adversary"},
)
def cutout(
    batch: Batch,
    images: Tensor,
    *,
    of: Literal["clean", "adversarial"],
    alpha: Positive,
    loss: Literal["bce", "ce"],
) -> Mixed:
    """Cutout (DeVries and Taylor 2017): set a box in each image to zero; labels are unchanged.

    Args:
        of: whether the box is cut before the attack (`clean`) or after it (`adversarial`).
        alpha: parameter of the Beta(alpha, alpha) distribution of the box's share of the image; 1
            is uniform.
        loss: without effect, since labels are unchanged.
    """
    return _mixed(cut_out, batch, images, alpha, loss)


def _mixed(
    augmentation: Augmentation, batch: Batch, images: Tensor, alpha: float, loss: str
) -> Mixed:
    draws = batch.draws("mixing", batch.number)
    share = on_device(timely(beta_share, draws.key, alpha), torch.float64, images.device)
    classes = batch.network.classes
    mixed, targets = augmentation(images, batch.labels, classes, share, draws)
    return Mixed(mixed, targets, loss if targets.is_floating_point() else "ce")


def beta_share(key: int, alpha: float) -> float:
    """The draw from Beta(alpha, alpha), in [0, 1], that belongs to `key`.

    Uniform for alpha 1, nearly 0 or 1 for small and nearly 1/2 for large alpha. Raises UserError
    unless alpha is positive and finite.
    """
    if not 0 < alpha < math.inf:
        raise UserError(f"alpha is {alpha}, expected a number above 0.")
    return float(betaincinv(alpha, alpha, key_of(key, "share") / 2**63))


def mixed_up(
    images: Tensor, labels: Tensor, classes: int, share: float | Tensor, draws: Draws
) -> tuple[Tensor, Tensor]:
    """share of each image and label, and 1 - share of its partner's (Zhang et al. 2018)."""
    partner = partners(images, draws)
    mixed = share * images + (1 - share) * images[partner]
    return mixed, weights(labels, partner, classes, share, images.dtype)


def cut_mixed(
    images: Tensor, labels: Tensor, classes: int, share: float | Tensor, draws: Draws
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


def cut_out(
    images: Tensor, labels: Tensor, classes: int, share: float | Tensor, draws: Draws
) -> tuple[Tensor, Tensor]:
    """Blacken a box in each image, at its own place (DeVries and Taylor 2017).

    The box has the share `share` of the pixels before the edges clip it (see `boxes`).
    """
    return images.masked_fill(boxes(draws, *images.shape[2:], share), 0), labels


def partners(images: Tensor, draws: Draws) -> Tensor:
    """The partner of each image: a random permutation of the batch, int64 [B]."""
    return permutation(key_of(draws.key, "partners"), len(images), images.device)


def weights(
    labels: Tensor, partner: Tensor, classes: int, own: float | Tensor, dtype: torch.dtype
) -> Tensor:
    """Mixed labels [B, classes]: `own`, a number, for the label and the rest for the partner's."""
    target = of_class(labels, classes).to(dtype)
    return own * target + (1 - own) * target[partner]


def boxes(draws: Draws, height: int, width: int, area: float | Tensor) -> Tensor:
    """One box for each of the draws: bool [N, 1, H, W], true inside.

    The centre is a uniform pixel. The sides are sqrt(area) of the image's, rounded to pixels; an
    even side reaches one pixel further up and left of the centre than down and right. What sticks
    out of the image is cut off, so a box of full size covers all only if its centre is the middle.
    """
    length = torch.as_tensor(area, dtype=torch.float64, device=draws.indices.device).sqrt()
    rows, columns = (
        _extent(draws.integers(axis, side), side, (length * side).round().long())
        for axis, side in (("row", height), ("column", width))
    )
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _extent(centre: Tensor, side: int, length: Tensor) -> Tensor:
    """Which of `side` positions lie in a stretch of `length` around each centre: bool [N, side]."""
    offset = torch.arange(side, device=centre.device) - (centre[:, None] - length // 2)
    return (offset >= 0) & (offset < length)
