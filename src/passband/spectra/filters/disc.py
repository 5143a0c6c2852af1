"""Discs of frequencies (hfc, section 3.1)."""

from typing import Literal

import torch
from torch import Tensor

from passband.options import FilterSize
from passband.spectra.filters import FILTERS


@FILTERS.register(
    "disc",
    size="radius",
    sizes={"low": (1, "side"), "high": (0, "corner")},
    inclusive_sizes={"low": (0, "side")},
)
def disc(
    images: Tensor, *, keep: Literal["low", "high"], radius: FilterSize, inclusive: bool = False
) -> Tensor:
    """Keep the frequencies within a radius of the DC component, or all others.

    Both parts are real and add up to the image, for any height and width.

    Args:
        keep: `low` for the disc, `high` for the frequencies outside it.
        radius: Euclidean distance from the DC component, in cycles per image.
        inclusive: whether a frequency at exactly this distance belongs to the disc.
    """
    height, width = images.shape[-2:]
    kept = inside(height, width, radius, inclusive, images.device)
    if keep == "high":
        kept = ~kept
    return torch.fft.irfft2(torch.fft.rfft2(images) * kept, s=(height, width))


def inside(
    height: int,
    width: int,
    radius: int,
    inclusive: bool = False,
    device: torch.device | str | None = None,
) -> Tensor:
    """Which frequencies of `rfft2` lie within the disc: bool [height, width // 2 + 1]."""
    rows = torch.arange(height, device=device)
    rows = torch.minimum(rows, height - rows)
    columns = torch.arange(width // 2 + 1, device=device)
    square_distance = rows[:, None].square() + columns.square()
    return square_distance <= radius**2 if inclusive else square_distance < radius**2
