"""Square filters in the Fourier domain (fourier_study and sar, section III)."""

from typing import Literal

import torch
from torch import Tensor

from passband.errors import UserError
from passband.options import FilterSize
from passband.spectra.filters import FILTERS


@FILTERS.register("square", size="bandwidth", step=2)
def square(images: Tensor, *, keep: Literal["low", "high"], bandwidth: FilterSize) -> Tensor:
    """Keep a square of k x k frequencies, zero the rest, take the real part of the inverse.

    The even square is not symmetric about the DC component, so the inverse is complex. High-pass
    is not the complement of low-pass: it keeps what is high in both directions.

    Args:
        keep: `low` for the centre of the shifted spectrum, `high` for that of the unshifted one.
        bandwidth: side k of the square, even; the image side keeps everything.

    Raises:
        UserError: for a bandwidth that does not fit the images.
    """
    rows = kept(images.shape[-2], bandwidth, images.device)
    columns = kept(images.shape[-1], bandwidth, images.device)
    if keep == "low":
        rows, columns = torch.fft.ifftshift(rows), torch.fft.ifftshift(columns)
    return torch.fft.ifft2(torch.fft.fft2(images) * (rows[:, None] & columns)).real


def kept(side: int, bandwidth: int, device: torch.device | str | None = None) -> Tensor:
    """Bool [side]: the `bandwidth` indices around side/2, from side/2 - k/2 up to side/2 + k/2.

    Raises UserError unless `bandwidth` is even and within 0..side.
    """
    if bandwidth % 2 or not 0 <= bandwidth <= side:
        raise UserError(
            f"bandwidth {bandwidth} does not fit images of side {side}: "
            f"give an even number from 0 to {side}."
        )
    index = torch.arange(side, device=device)
    return (index >= side // 2 - bandwidth // 2) & (index < side // 2 + bandwidth // 2)
