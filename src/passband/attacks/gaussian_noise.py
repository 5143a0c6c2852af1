"""Gaussian noise: a baseline for attacks."""

from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf
from passband.draws import Draws
from passband.options import Share


@ATTACKS.register("gaussian_noise")
def gaussian_noise(
    logits_of: LogitsOf, images: Tensor, labels: Tensor, draws: Draws, *, std: Share
) -> Tensor:
    """Add independent normal noise of standard deviation `std` to every pixel, clip to [0, 1].

    Neither the model nor the labels are looked at. fourier_study, table 1, uses std 0.1.

    Args:
        std: standard deviation of the noise; images are in [0, 1].
    """
    return (images + std * draws.normal("noise", tuple(images.shape[1:]))).clamp_(0, 1)
