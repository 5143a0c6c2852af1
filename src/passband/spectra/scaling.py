"""Rescaling of pixels."""

from torch import Tensor

from passband.options import Rescaling

ROUNDING = 1e-5  # above the float32 error of a pixel that should be 0


def rescaled(images: Tensor, how: Rescaling | None) -> Tensor:
    """Images divided by their own largest value (hfc: "the standard pixel scale").

    High-frequency components are signed, and the result may be below -1. Images whose largest value
    is within rounding of 0 or negative, such as an all-zero one, are not rescaled.

    Args:
        images: float [..., C, H, W]; the largest value is taken over all channels.
        how: `image-max`; `image-max-bytes` also rounds down to multiples of 1/255, as if images
            were stored as bytes; None for no rescaling.

    Returns:
        Like `images`.
    """
    if how is None:
        return images
    largest = images.amax((-3, -2, -1), keepdim=True)
    divided = images / largest.where(largest > ROUNDING, 1.0)
    if how == "image-max":
        return divided
    return (255 * divided + 1e-3).floor() / 255  # rounding may put whole numbers slightly below


def described(how: Rescaling | None) -> str:
    """The end of the condition under which rescaled images are measured; empty for None."""
    return f";rescale={how}" if how else ""
