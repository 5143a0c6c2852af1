"""Models on disk: one form, whether a model was trained, derived or imported."""

from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from passband import models
from passband.data.storage import ImageSet


def load_model(weights: Path, network: dict, data: ImageSet) -> nn.Module:
    """A stored network for images like those of `data`, in eval mode, its layers as they trained.

    Args:
        weights: weights.safetensors of the model.
        network: architecture, and the recipe's quantization or None.
        data: images [N, C, side, side] and classes that the network was made for.
    """
    channels, side = data.images.shape[1:3]
    model = models.build(
        network["architecture"],
        channels,
        len(data.classes),
        side,
        seed=0,
        quantization=network["quantization"],
    )
    model.load_state_dict(load_file(weights))
    return model.eval().requires_grad_(False)
