"""Quantised networks: the learning rates of their scales."""

from typing import Annotated

from torch import nn

from passband.models.quantization import scale_groups
from passband.options import Range, Rates
from passband.training.parts import PARTS

Bits = Annotated[int, Range(1, 32)]


@PARTS.register("quantization", role="parameters", compilable=False)
def quantization(
    model: nn.Module,
    *,
    bits: Bits,
    frequency_aware: bool,
    activation_scales: Rates,
    weight_transforms: Rates,
) -> list[dict]:
    """Quantise the weights and inputs of every convolution but the first (Tao et al. 2021).

    The network itself is made by `models.build`.

    Args:
        bits: bits of weights and activations; 32 is full precision.
        frequency_aware: whether weights pass through a learned mask over their spectrum (FAT).
        activation_scales: learning rate and weight decay of the scales of activations.
        weight_transforms: the same for the scales and masks of weights.
    """
    groups = scale_groups(model)
    listed = [
        (groups.activation_scales, activation_scales),
        (groups.weight_transforms, weight_transforms),
    ]
    return [
        {"params": params, "lr": rates["learning_rate"], "weight_decay": rates["weight_decay"]}
        for params, rates in listed
        if params
    ]
