"""Helpers of attacks that drop an image as soon as it is misclassified."""

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.attacks import LogitsOf


def in_few_sizes(logits_of: LogitsOf) -> LogitsOf:
    """The same function, calling the network with few distinct batch sizes.

    The batch is filled up with zeros to the next size with four significant bits (..., 15, 16, 18,
    20, ...), at most an eighth more. Convolution libraries prepare, on a GPU even time, their
    kernels for every new shape, and a batch that loses an image a step has hundreds of them.
    """

    def filled(images: Tensor) -> Tensor:
        count = len(images)
        missing = -count % (1 << max(count.bit_length() - 4, 0))
        if not missing:
            return logits_of(images)
        return logits_of(F.pad(images, (0, 0) * 3 + (0, missing)))[:count]

    return filled


@torch.no_grad()
def standing(logits_of: LogitsOf, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The positions of the images [N, C, H, W] that are classified right, and their logits."""
    logits = logits_of(images)
    alive = (logits.argmax(1) == labels).nonzero()[:, 0]
    return alive, logits[alive]


def likely_targets(logits: Tensor, labels: Tensor, count: int) -> Tensor:
    """The wrong classes by falling logit, int64 [N, min(count, classes - 1)]."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.topk(min(count, logits.shape[1] - 1)).indices


def per_image(values: Tensor) -> Tensor:
    """One number per image, [N], in a shape that broadcasts with images [N, C, H, W]."""
    return values[:, None, None, None]
