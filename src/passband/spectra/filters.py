"""Square low- and high-pass filters of bandwidth k (papers fourier_study and sar)."""

import torch
from torch import Tensor

from passband.errors import UserError
from passband.registry import Registry

FILTERS = Registry("filter", "passband.spectra")


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


def _filtered(images: Tensor, bandwidth: int, shift: bool) -> Tensor:
    rows = kept(images.shape[-2], bandwidth, images.device)
    columns = kept(images.shape[-1], bandwidth, images.device)
    if shift:
        rows, columns = torch.fft.ifftshift(rows), torch.fft.ifftshift(columns)
    return torch.fft.ifft2(torch.fft.fft2(images) * (rows[:, None] & columns)).real


@FILTERS.register("lowpass")
def lowpass(images: Tensor, bandwidth: int) -> Tensor:
    """Keep the k x k centre of the shifted spectrum, zero the rest, real part of the inverse.

    images: float (..., H, W); the result is not clipped. (sar, section III; the even square is
    not symmetric about frequency zero, so the inverse is complex and its real part is taken.)
    """
    return _filtered(images, bandwidth, shift=True)


@FILTERS.register("highpass")
def highpass(images: Tensor, bandwidth: int) -> Tensor:
    """Keep the k x k centre of the unshifted spectrum, i.e. what is high in both directions.

    images: float (..., H, W); the result is not clipped. k = side keeps everything. (sar, sec. III)
    """
    return _filtered(images, bandwidth, shift=False)
