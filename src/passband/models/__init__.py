"""Architectures: one file per family, discovered automatically.

    builder(channels, classes, side) -> nn.Module

A builder is registered under its name, with its `title`. Every network takes float images
[N, channels, side, side] in [0, 1], not normalised, and returns logits [N, classes].
"""

from collections.abc import Mapping

import torch
from torch import nn

from passband.models.folding import fold_batchnorm
from passband.models.quantization import quantized
from passband.registry import Registry

ARCHITECTURES = Registry("architecture", __name__)
register, names = ARCHITECTURES.register, ARCHITECTURES.names

__all__ = ["build", "fold_batchnorm", "names", "register"]


def build(
    name: str,
    channels: int,
    classes: int,
    side: int,
    seed: int,
    quantization: Mapping | None = None,
) -> nn.Module:
    """A new network on the CPU, in training mode, whose initial weights depend on `seed` only.

    channels and side describe the images [N, channels, side, side]; quantization: that part of a
    recipe, for a network of few bits. The global random state is left as it was. Raises UserError
    for an unregistered architecture.
    """
    builder = ARCHITECTURES[name]
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(seed)
        model = builder(channels, classes, side)
    if quantization is None:
        return model
    return quantized(model, quantization["bits"], quantization["frequency_aware"])
