"""The spectrum of an input gradient and its low-frequency bias (jafr, equations 8 to 11)."""

import torch
from torch import Tensor

FLOOR = 1e-5  # added to magnitudes and exponents, as in the authors' code


def one_sided_magnitude(images: Tensor) -> Tensor:
    """|DFT|, not normalised, at the frequencies 0 to side/2 of both axes.

    Differentiable twice. Row and column 0 are constant along their axis, so [0, 0] is the DC
    component; it is kept.

    Args:
        images: float [..., H, W], such as input gradients.

    Returns:
        [..., 1 + H // 2, 1 + W // 2].
    """
    return torch.fft.rfft2(images)[..., : 1 + images.shape[-2] // 2, :].abs()


def low_frequency_bias(magnitude: Tensor) -> Tensor:
    """Natural logarithm of the low-frequency bias B_low of a spectrum (equations 10 and 11).

    B_low sums, over the rows of the spectrum, the product of their values to the power of alpha,
    and the same over its columns; alpha falls evenly from 1 at frequency 0 to -1 at the highest.
    A spectrum of equal values gives the logarithm of the number of rows and columns: log 34 = 3.526
    at 32 x 32 pixels. The scale of the spectrum cancels, but for the floor of 1e-5 added to its
    values.

    Args:
        magnitude: float [..., 1 + H // 2, 1 + W // 2], the mean of `one_sided_magnitude` over
            images and channels; not negative, in float32 or better.

    Returns:
        [...].
    """
    logarithm = (magnitude + FLOOR).log()
    rows = (logarithm * _exponents(magnitude, -1)).sum(-1)
    columns = (logarithm * _exponents(magnitude, -2)[:, None]).sum(-2)
    return torch.cat([rows, columns], -1).logsumexp(-1)


def bias_by_image(magnitudes: Tensor) -> Tensor:
    """The bias of the mean spectrum, as one value per image whose mean it is.

    To the bias of the mean are added the first-order effects of each image's deviation from it.
    These sum to zero, and their standard deviation over the square root of the number of images is
    the standard error of the bias (the delta method), so that it has intervals, alone or paired.

    Args:
        magnitudes: [N, 1 + H // 2, 1 + W // 2], the mean over channels of each image's
            `one_sided_magnitude`.

    Returns:
        float64 [N].
    """
    magnitudes = magnitudes.double()
    mean = magnitudes.mean(0).requires_grad_()
    with torch.enable_grad():
        bias = low_frequency_bias(mean)
        slope = torch.autograd.grad(bias, mean)[0]
    mean, bias = mean.detach(), bias.detach()
    return bias + ((magnitudes - mean) * slope).sum((-2, -1))


def _exponents(magnitude: Tensor, axis: int) -> Tensor:
    count = magnitude.shape[axis]
    return torch.linspace(1, -1, count, dtype=magnitude.dtype, device=magnitude.device) + FLOOR
