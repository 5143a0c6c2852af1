"""Images split by their singular values instead of their frequencies (hfc, section 8).

Each channel is a matrix with singular values s_1 >= s_2 >= ..., whose squares add up to its energy,
the sum of its squared pixels. The dominant ones, up to a rank, are the low part of the image, the
trailing ones the high part; the two add up to the image. Both are projections onto left singular
vectors, computed as eigenvectors of the matrix times its transpose, in double precision: faster
than an SVD, with the same result.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from passband.options import FilterSize, InnerShare
from passband.spectra.filters import FILTERS
from passband.spectra.filters.disc import disc


@FILTERS.register("svd", size="rank", sizes={"low": (1, "side"), "high": (0, "below side")})
def svd(images: Tensor, *, keep: Literal["low", "high"], rank: FilterSize) -> Tensor:
    """Keep the dominant singular values of every channel, or the trailing ones.

    Args:
        keep: `low` for the dominant ones, `high` for the trailing ones.
        rank: the number of dominant singular values.
    """
    return _truncated(images, keep, lambda _: rank)


@FILTERS.register("svd_energy", size="energy", step=None)
def svd_energy(images: Tensor, *, keep: Literal["low", "high"], energy: InnerShare) -> Tensor:
    """Keep the dominant singular values that hold a share of each channel's energy, or the others.

    Args:
        keep: `low` for the dominant ones, `high` for the trailing ones.
        energy: the share of the energy that the dominant ones hold at least; the rank is the
            smallest that reaches it, for each channel of each image.
    """
    return _truncated(
        images, keep, lambda squares: smallest_rank(squares, energy * squares.sum(-1))
    )


@FILTERS.register(
    "svd_energy_of_disc",
    size="radius",
    sizes={"low": (1, "side"), "high": (0, "corner")},
    inclusive_sizes={"low": (0, "side")},
)
def svd_energy_of_disc(
    images: Tensor, *, keep: Literal["low", "high"], radius: FilterSize, inclusive: bool = False
) -> Tensor:
    """Keep the dominant singular values that hold the energy of a disc, or the others.

    For each channel of each image the rank is the one, from 1, whose energy is nearest to that of
    the same channel filtered by `disc`, so that both ways to split it are compared at equal energy.

    Args:
        keep: `low` for the dominant ones, `high` for the trailing ones.
        radius: radius of the disc, see `disc`.
        inclusive: see `disc`.
    """
    low = disc(images, keep="low", radius=radius, inclusive=inclusive)
    kept = low.double().square().sum((-2, -1))
    return _truncated(images, keep, lambda squares: nearest_rank(squares, kept))


def smallest_rank(squares: Tensor, energy: Tensor) -> Tensor:
    """The smallest number of singular values that hold an energy.

    Args:
        squares: squared singular values (..., K), in decreasing order.
        energy: energies (...).

    Returns:
        int64 (...), from 1 to K; K if rounding puts the energy above the total.
    """
    below = squares.cumsum(-1) < energy[..., None]
    return (below.sum(-1) + 1).clamp_max(squares.shape[-1])


def nearest_rank(squares: Tensor, energy: Tensor) -> Tensor:
    """The number of singular values whose energy is nearest to a given one, the smaller of two.

    Args:
        squares, energy: as for `smallest_rank`.

    Returns:
        int64 (...), from 1 to K.
    """
    return (squares.cumsum(-1) - energy[..., None]).abs().argmin(-1) + 1


def _truncated(images: Tensor, keep: str, rank_of: Callable[[Tensor], Tensor | int]) -> Tensor:
    """The part of every matrix (..., H, W) with the singular values up to a rank, or the others.

    rank_of: maps squared singular values (..., H) to one rank for all matrices or for each (...).
    """
    matrices = images.double()
    squares, vectors = (one.flip(-1) for one in torch.linalg.eigh(matrices @ matrices.mT))
    rank = torch.as_tensor(rank_of(squares.clamp_min(0)), device=images.device)[..., None]
    place = torch.arange(squares.shape[-1], device=images.device)
    kept = place < rank if keep == "low" else place >= rank
    return ((vectors * kept[..., None, :]) @ (vectors.mT @ matrices)).to(images.dtype)
