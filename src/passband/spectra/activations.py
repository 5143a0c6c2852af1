"""The ratio of low to high frequencies in activations (fourier_study, section 3.1.3).

Low is the direct-current part LFI[x] = (1/n) 1 1^T x, high is the rest, HFI[x] = x - LFI[x]. The
paper leaves open along which axis the mean is taken and which norm is meant, and the answers are
not interchangeable; each has a name in RATIOS.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def per_channel(activations: Tensor) -> Tensor:
    """The mean over positions against the rest, a ratio of norms for each sample and channel.

    [B, C, H, W] to a float64 scalar: the mean over the batch, then over channels. Where an
    activation map is constant the ratio is undefined and left out; NaN if all are.
    """
    return torch.nanmean(torch.nanmean(_ratio(*_split(activations, -1), dim=-1), 0))


def summed(activations: Tensor) -> Tensor:
    """The same parts, the sum of their norms over all samples and channels, one over the other.

    [B, C, H, W] to a float64 scalar; NaN if all activation maps are constant. A few maps that are
    nearly constant, whose own ratios are huge, hardly move it.
    """
    low, high = (torch.linalg.vector_norm(part, dim=-1).sum() for part in _split(activations, -1))
    return torch.where(high > 0, low / high, torch.nan)


def frobenius(activations: Tensor) -> Tensor:
    """The same parts, a ratio of Frobenius norms over channels and positions for each sample.

    [B, C, H, W] to a float64 scalar, the mean over the batch; as `per_channel` otherwise.
    """
    return torch.nanmean(_ratio(*_split(activations, -1), dim=(-2, -1)))


def spectral(activations: Tensor) -> Tensor:
    """The same parts as matrices [C, H * W], a ratio of largest singular values for each sample.

    [B, C, H, W] to a float64 scalar, the mean over the batch; as `per_channel` otherwise.
    """
    low, high = (torch.linalg.matrix_norm(part, ord=2) for part in _split(activations, -1))
    return torch.nanmean(torch.where(high > 0, low / high, torch.nan))


def across_channels(activations: Tensor) -> Tensor:
    """The mean over channels at each position against the rest, Frobenius norms for each sample.

    [B, C, H, W] to a float64 scalar, the mean over the batch; as `per_channel` otherwise. This is
    the paper's formula applied to [C, H * W] as it stands, with n = C.
    """
    return torch.nanmean(_ratio(*_split(activations, -2), dim=(-2, -1)))


RATIOS: dict[str, Callable[[Tensor], Tensor]] = {
    function.__name__: function
    for function in (per_channel, summed, frobenius, spectral, across_channels)
}


def _split(activations: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    signals = activations.flatten(2).double()
    low = signals.mean(dim, keepdim=True).expand_as(signals)
    return low, signals - low


def _ratio(low: Tensor, high: Tensor, dim: int | tuple[int, int]) -> Tensor:
    low, high = (torch.linalg.vector_norm(part, dim=dim) for part in (low, high))
    return torch.where(high > 0, low / high, torch.nan)
