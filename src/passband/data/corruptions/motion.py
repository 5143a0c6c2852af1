"""Motion blur as ImageMagick computes it."""

import numpy as np

from passband.data.corruptions import CORRUPTIONS, uniform
from passband.draws import Draws


@CORRUPTIONS.register("motion_blur", title="Motion blur")
def motion_blur(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Blur along a direction that is drawn for each image, up to 45 degrees off the horizontal."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    return moved(images, radius, sigma, uniform(draws, "angle", (), -45, 45))


def moved(images: np.ndarray, radius: int, sigma: float, angles: np.ndarray) -> np.ndarray:
    """Blur along a direction, to one side: half a Gaussian of 2 radius + 1 pixels.

    Edges are repeated, places between pixels rounded to the nearest pixel (halves down), and the
    result is rounded to bytes.

    Args:
        images: uint8 [N, C, H, W].
        radius: in pixels.
        sigma: in pixels.
        angles: degrees [N]; 0 takes pixels from the right, 90 from below.
    """
    count, channels, height, width = images.shape
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    radians = np.radians(angles)[:, None]
    flat, total = images.reshape(count, channels, -1), np.zeros((count, channels, height * width))
    for distance, weight in enumerate(weights):
        down = np.ceil(distance * np.sin(radians) - 0.5).astype(int)
        right = np.ceil(distance * np.cos(radians) - 0.5).astype(int)
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + right, 0, width - 1)
        places = (rows[:, :, None] * width + columns[:, None]).reshape(count, 1, -1)
        total += weight * np.take_along_axis(flat, places, 2)
    return np.rint(total).astype(np.uint8).reshape(images.shape)
