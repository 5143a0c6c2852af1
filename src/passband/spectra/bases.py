"""The real Fourier basis images of the heat map (Yin et al. 2019; sar, appendix B)."""

import math

import torch
from torch import Tensor


def frequencies(side: int) -> Tensor:
    """Signed (row, column) frequencies, one for each pair {f, -f}: int64 [side^2/2 + 2, 2].

    For even sides: 514 at 32 and 2050 at 64, against side^2 cells of the plotted plane.
    """
    signed = torch.arange(-side // 2, side // 2)
    plane = torch.cartesian_prod(signed, signed)
    mirrored = (-plane + side // 2) % side - side // 2
    first = (plane[:, 0] > mirrored[:, 0]) | (
        (plane[:, 0] == mirrored[:, 0]) & (plane[:, 1] >= mirrored[:, 1])
    )
    return plane[first]


def basis_images(frequencies: Tensor, side: int) -> Tensor:
    """Real images of unit Euclidean norm whose DFT is non-zero at f and -f only: [B, S, S]."""
    position = torch.arange(side, device=frequencies.device)
    row, column = (frequencies[:, axis, None] * position % side for axis in (0, 1))
    angle = (2 * math.pi / side) * (row[:, :, None] + column[:, None, :]).double()
    waves = torch.cos(angle)
    return (waves / waves.flatten(1).norm(dim=1)[:, None, None]).float()


def full_plane(values: Tensor, frequencies: Tensor, side: int) -> Tensor:
    """Spread one value per basis image over f and -f; DC component at [side//2, side//2]."""
    plane = torch.full((side, side), float("nan"), dtype=values.dtype, device=values.device)
    for sign in (-1, 1):
        index = (sign * frequencies + side // 2) % side
        plane[index[:, 0], index[:, 1]] = values
    return plane
