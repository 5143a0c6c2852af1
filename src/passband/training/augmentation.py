"""Random crops and flips, batched, on the device, as a function of (seed, epoch, image)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.draws import Draws


def crop_and_flip(images: Tensor, draws: Draws, pad: int, flip: bool) -> Tensor:
    """Zero-pad by `pad` pixels, crop back at a uniform offset 0..2*pad, mirror with chance 1/2.

    images: [N, C, S, S] of any dtype; the same distribution as torchvision's RandomCrop(S, pad)
    followed by RandomHorizontalFlip.
    """
    count, channels, side, _ = images.shape
    if pad:
        position = torch.arange(side, device=images.device)
        rows, columns = (
            draws.integers(axis, 2 * pad + 1)[:, None] + position for axis in ("row", "column")
        )
    else:
        rows = columns = torch.arange(side, device=images.device).expand(count, side)
    if flip:
        mirrored = draws.bits("flip") < 0
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    padded = F.pad(images, (pad, pad, pad, pad))
    index = rows[:, :, None] * (side + 2 * pad) + columns[:, None, :]
    index = index.view(count, 1, side * side).expand(-1, channels, -1)
    return padded.flatten(2).gather(2, index).view(images.shape)
