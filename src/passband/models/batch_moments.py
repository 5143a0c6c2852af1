"""Normalisation by the moments of the batch, in evaluation too (hfc, figures 5 and 6).

What such a network says of an image depends on the images beside it, so that the evaluation batch
is part of every result: `EVALUATION_BATCH` images in the order in which the set stores them, on
every device. What is left over at the end joins the last batch, which therefore has at least as
many, unless the whole set is smaller.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from passband.errors import UserError

EVALUATION_BATCH = 100  # as in the authors' code
EPSILON = 1e-3


class BatchMoments(nn.Module):
    """Batch normalisation without running statistics: scale at first 1, offset at first 0.

    In training and in evaluation alike, features [N, width, H, W] are normalised by their mean and
    (biased) variance over N, H and W. Raises UserError for a batch of one image.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, eps=EPSILON, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(several(x))


@torch.fx.wrap
def several(features: Tensor) -> Tensor:
    """The features [N, C, H, W] themselves; raises UserError if N is 1."""
    if len(features) == 1:
        raise UserError(
            "a network that normalises by the moments of its batch was given a batch of one image, "
            "whose moments say nothing of the set: give it at least two (batch_size, images, "
            "train_images, test_images)."
        )
    return features


def uses_batch_moments(model: nn.Module) -> bool:
    """Whether the model's answer to an image depends on the batch that it is in, if evaluated."""
    return any(
        isinstance(layer, nn.BatchNorm2d) and not layer.track_running_stats
        for layer in model.modules()
    )


def described(model: nn.Module) -> dict[str, object]:
    """What run.json says of a network whose results depend on the evaluation batch; else {}."""
    if not uses_batch_moments(model):
        return {}
    return {"evaluation_batch": {"images": EVALUATION_BATCH, "order": "as stored"}}


def cut(count: int, size: int) -> Iterator[slice]:
    """Slices of `size` that cover range(count); an end below `EVALUATION_BATCH` joins the last.

    Cut again into pieces of `EVALUATION_BATCH`, slices give the same pieces as the whole does,
    where `size` is a multiple of it.
    """
    starts = list(range(0, count, size))
    if len(starts) > 1 and count - starts[-1] < EVALUATION_BATCH:
        starts.pop()
    return (slice(*ends) for ends in pairwise([*starts, count]))


class InEvaluationBatches(nn.Module):
    """A model that sees its images [N, C, H, W] in evaluation batches, however many it is given."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.model(x[part]) for part in cut(len(x), EVALUATION_BATCH)])
