"""Models on disk: one form, whether a model was trained, derived or imported."""

from pathlib import Path

from torch import nn

from passband import models
from passband.data.storage import ImageSet
from passband.errors import UserError
from passband.tensors import check_finite, read_tensors


def load_model(weights: Path, network: dict, data: ImageSet) -> nn.Module:
    """A stored network for images like those of `data`, in eval mode, its layers as they trained.

    Args:
        weights: weights.safetensors of the model.
        network: architecture, and the recipe's quantization or None.
        data: images [N, C, side, side] and classes that the network was made for.

    Raises:
        UserError: the weights are damaged, not finite or those of another network.
    """
    tensors = read_tensors(weights)
    check_finite(weights, tensors)
    channels, side = data.images.shape[1:3]
    model = models.build(
        network["architecture"],
        channels,
        len(data.classes),
        side,
        seed=0,
        quantization=network["quantization"],
    )
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise UserError(
            f"{weights} holds the weights of another network than {network['architecture']}: "
            "remove it and run again."
        ) from error
    return model.eval().requires_grad_(False)
