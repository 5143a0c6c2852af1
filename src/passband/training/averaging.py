"""The average of a network's weights over epochs (sar, appendix C, equation 4)."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


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

    forward: the model's forward pass; batches: float images [N, C, H, W]. A batch weighs as many
    images as it has. The model is left in evaluation mode.
    """
    layers = [layer for layer in average.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    average.train()
    seen = 0
    for images in batches:
        seen += len(images)
        for layer in layers:
            layer.momentum = len(images) / seen
        forward(images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    average.eval()
