"""Smoothing of kernels (hfc, equation 3)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband.errors import UserError
from passband.models.transforms import TRANSFORMS
from passband.options import NonNegative


@TRANSFORMS.register("smooth_first_convolution")
@torch.no_grad()
def smooth_first_convolution(model: nn.Module, *, rho: NonNegative) -> nn.Module:
    """Add to each weight of the first convolution rho times its eight neighbours (hfc, equation 3).

    Args:
        rho: weight of the neighbours; 0 leaves the model as it is.

    Raises:
        UserError: if the model has no convolution.
    """
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None:
        raise UserError("smooth_first_convolution: the network has no convolution to smooth.")
    first.weight.copy_(smoothed(first.weight, rho))
    return model


def smoothed(kernels: Tensor, rho: float) -> Tensor:
    """Kernels plus rho times the sum of the eight neighbours of each weight.

    Args:
        kernels: float [C_out, C_in, k, k]; borders are replicated, the result is not normalised.
        rho: weight of each neighbour.

    Returns:
        Smoothed kernels of the same shape (hfc, equation 3).
    """
    mask = kernels.new_full((1, 1, 3, 3), rho)
    mask[..., 1, 1] = 1
    planes = kernels.flatten(0, 1)[:, None]
    return F.conv2d(F.pad(planes, (1, 1, 1, 1), mode="replicate"), mask).view(kernels.shape)
