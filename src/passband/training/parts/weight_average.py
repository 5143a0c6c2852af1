"""The average of a network's weights over epochs (sar, appendix C, equation 4)."""

from collections.abc import Callable, Iterable
from copy import deepcopy

import torch
from torch import Tensor, nn

from passband.compute import Compute
from passband.options import Steps
from passband.training.checkpoint import State
from passband.training.parts import PARTS


@PARTS.register(
    "weight_average",
    role="weight average",
    provides="average_logits",
    starts="learning-rate drop",
)
def weight_average(
    state: State, batches: Iterable[Tensor], compute: Compute, since: int, *, cycle: Steps
) -> None:
    """Average the model's weights over checkpoints taken at the beginning of epochs.

    The first checkpoint's batch statistics are refreshed, too: at a large learning rate running
    statistics lag so far behind the weights that the branch would align the model with wrong
    answers.

    Args:
        state: whose `average` takes in `model`.
        batches: the epoch's images, float [B, C, H, W], as the network is shown them.
        since: epochs since the average began.
        cycle: number of epochs between checkpoints.
    """
    if since % cycle:
        return
    state.average = state.average or deepcopy(state.model)
    include(state.average, state.model, state.averaged)
    refresh_statistics(state.average, compute.logits_of(state.average), batches)
    state.averaged += 1


@torch.no_grad()
def include(average: nn.Module, model: nn.Module, past: int) -> None:
    """Move `average` from the mean of `past` checkpoints to that of `past` + 1, with `model`'s.

    Parameters only; refresh the batch statistics afterwards.
    """
    for mean, newest in zip(average.parameters(), model.parameters(), strict=True):
        mean.lerp_(newest, 1 / (past + 1))


@torch.no_grad()
def refresh_statistics(
    average: nn.Module, forward: Callable[[Tensor], Tensor], batches: Iterable[Tensor]
) -> None:
    """Set the running statistics of batch normalisation to their mean over `batches`.

    Batches are weighted by their number of images, and dropout is inactive. The model is left in
    evaluation mode.

    Args:
        forward: the model's forward pass.
        batches: float images [N, C, H, W].
    """
    layers = [layer for layer in average.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    average.eval()
    for layer in layers:
        layer.train()
    seen = 0
    for images in batches:
        seen += len(images)
        for layer in layers:
            layer.momentum = len(images) / seen
        forward(images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    average.eval()
