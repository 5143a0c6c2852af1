"""Scales of pixels."""

from torch import Tensor

from passband.options import Rescaling

ROUNDING = 1e-5  # what single precision leaves of a pixel that is zero


def rescaled(images: Tensor, how: Rescaling | None) -> Tensor:
    """Images divided by their own largest value (hfc: "the standard pixel scale").

    A component of high frequencies is signed and may then lie below -1. An image without a value
    above rounding errors, such as an all-zero one, stays as it is.

    Args:
        images: float [..., C, H, W]; the largest value is that of all channels.
        how: `image-max`; `image-max-bytes` for the same, then rounded down to multiples of 1/255,
            as images are that are stored as bytes in between; None to leave them as they are.

    Returns:
        As `images`.
    """
    if how is None:
        return images
    largest = images.amax((-3, -2, -1), keepdim=True)
    divided = images / largest.where(largest > ROUNDING, 1.0)
    if how == "image-max":
        return divided
    return (255 * divided + 1e-3).floor() / 255  # k / k' * 255 may fall short of a whole number
