"""Gaussian blur, and blur by defocus, frosted glass and zooming."""

import numpy as np
from scipy import ndimage

from passband.data.corruptions import CORRUPTIONS, as_bytes
from passband.draws import Draws


def blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """Images [..., H, W] blurred by a Gaussian of `sigma` pixels, truncated at 4 sigma; edges
    repeat."""
    sigmas = (*(0,) * (values.ndim - 2), sigma, sigma)
    return ndimage.gaussian_filter(values, sigmas, mode="nearest", truncate=4)


def zoomed(values: np.ndarray, factor: float) -> np.ndarray:
    """The centre of images [N, C, H, W], enlarged linearly to their own size."""
    height, width = values.shape[-2:]
    kept = [int(np.ceil(side / factor)) for side in (height, width)]
    top, left = (height - kept[0]) // 2, (width - kept[1]) // 2
    centre = values[..., top : top + kept[0], left : left + kept[1]]
    flat = centre.reshape(-1, *kept)
    large = ndimage.zoom(flat, (1, factor, factor), order=1)
    top, left = (large.shape[1] - height) // 2, (large.shape[2] - width) // 2
    return large[:, top : top + height, left : left + width].reshape(values.shape)


@CORRUPTIONS.register("gaussian_blur", title="Gaussian blur")
def gaussian_blur(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Convolve with a Gaussian."""
    return as_bytes(blurred(images / 255, (0.4, 0.6, 0.7, 0.8, 1)[severity - 1]))


@CORRUPTIONS.register("defocus_blur", title="Defocus blur")
def defocus_blur(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Convolve with a disc whose edge is softened."""
    radius, softened = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    kernel = disc(radius, softened)[None, None]
    return as_bytes(ndimage.correlate(images / 255, kernel, mode="mirror"))


def disc(radius: float, softened: float) -> np.ndarray:
    """A disc of sum 1, blurred by a 3 x 3 Gaussian of `softened` pixels, float64 [5, 5]."""
    place = np.arange(-2, 3)
    inside = (place[:, None] ** 2 + place**2 <= radius**2).astype(float)
    edge = np.exp(-(np.arange(-1, 2) ** 2) / (2 * softened**2))
    edge /= edge.sum()
    rows = ndimage.correlate1d(inside / inside.sum(), edge, axis=0, mode="constant")
    return ndimage.correlate1d(rows, edge, axis=1, mode="constant")


@CORRUPTIONS.register("glass_blur", title="Glass blur")
def glass_blur(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Blur, replace each pixel by itself or a neighbour above or to the left, and blur again.

    The published code is meant to swap the two pixels but copies one of them; so does this. The
    first two rows and columns stay as they are.
    """
    sigma, rounds = ((0.05, 1), (0.25, 1), (0.4, 1), (0.25, 2), (0.4, 2))[severity - 1]
    height, width = images.shape[-2:]
    shuffled = as_bytes(blurred(images / 255, sigma))
    row, column = np.arange(2, height)[:, None], np.arange(2, width)
    image = np.arange(len(images))[:, None, None]
    for number in range(rounds):
        up, left = (
            draws.integers((axis, number), 2, (height - 2, width - 2)).numpy()
            for axis in ("up", "left")
        )
        taken = shuffled[image, :, row - up, column - left]  # the channels come last
        shuffled[:, :, 2:, 2:] = taken.transpose(0, 3, 1, 2)
    return as_bytes(blurred(shuffled / 255, sigma))


@CORRUPTIONS.register("zoom_blur", title="Zoom blur")
def zoom_blur(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Average the image with itself at growing zoom factors."""
    factors = np.arange(1, (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1], 0.01)
    values = (images / 255).astype(np.float32)
    total = sum(zoomed(values, factor) for factor in factors)
    return as_bytes((values + total) / (len(factors) + 1))
