"""Normalisation by the moments of the batch, in evaluation too (hfc, figures 5 and 6).

The output of such a network for an image depends on the rest of the batch, so the evaluation batch
is part of every result: `EVALUATION_BATCH` images in the stored order, on every device. A remainder
at the end joins the last batch, which thus has at least `EVALUATION_BATCH` images unless the whole
set is smaller.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from passband.errors import UserError

EVALUATION_BATCH = 100  # as in the authors' code
EPSILON = 1e-3


class BatchMoments(nn.Module):
    """Batch normalisation without running statistics; scales start at 1, offsets at 0.

    In training and in evaluation alike, features [N, width, H, W] are normalised by their mean and
    (biased) variance over N, H and W. Raises UserError for a batch of one image.
    """

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, eps=EPSILON, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(at_least_two(x))


@torch.fx.wrap
def at_least_two(features: Tensor) -> Tensor:
    """The features [N, C, H, W] themselves; raises UserError if N is 1."""
    if len(features) == 1:
        raise UserError(
            "a network that normalises by the moments of its batch was given a batch of one image, "
            "whose moments are meaningless: give it at least two (batch_size, images, "
            "train_images, test_images)."
        )
    return features


def uses_batch_moments(model: nn.Module) -> bool:
    """Whether the model's output for an image depends on the rest of its batch in evaluation."""
    return any(
        isinstance(layer, nn.BatchNorm2d) and not layer.track_running_stats
        for layer in model.modules()
    )


def described(model: nn.Module) -> dict[str, object]:
    """The entry of run.json for a network whose results depend on the evaluation batch, else {}."""
    if not uses_batch_moments(model):
        return {}
    return {"evaluation_batch": {"images": EVALUATION_BATCH, "order": "as stored"}}


def cut(count: int, size: int) -> Iterator[slice]:
    """Slices of `size` that cover range(count); one below `EVALUATION_BATCH` joins the last.

    If `size` is a multiple of `EVALUATION_BATCH`, cutting each slice into evaluation batches gives
    the same batches as cutting the whole range.
    """
    starts = list(range(0, count, size))
    if len(starts) > 1 and count - starts[-1] < EVALUATION_BATCH:
        starts.pop()
    return (slice(*ends) for ends in pairwise([*starts, count]))


class InEvaluationBatches(nn.Module):
    """A model that splits any number of images [N, C, H, W] into evaluation batches."""

    whole_batches = True

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.model(x[part]) for part in cut(len(x), EVALUATION_BATCH)])
