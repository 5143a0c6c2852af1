"""Contrast, brightness and saturation, JPEG compression and pixelation."""

import io

import numpy as np
from PIL import Image

from passband.data.corruptions import CORRUPTIONS, as_bytes
from passband.data.corruptions.colour import hsv_to_rgb, rgb_to_hsv, shown_as
from passband.draws import Draws

BITS = 22  # of the fraction in which Pillow resizes bytes


@CORRUPTIONS.register("contrast", title="Contrast")
def contrast(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Pull every channel towards its mean."""
    kept = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    pixels = images.shape[2] * images.shape[3]
    means = images.sum((2, 3), dtype=np.int64, keepdims=True) / (255 * pixels)
    return as_bytes((images / 255 - means) * kept + means)


@CORRUPTIONS.register("brightness", title="Brightness")
def brightness(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Raise the value (V) in HSV space."""
    raised = (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    hue, saturation, value = _hsv(images)
    return _from_hsv(hue, saturation, np.clip(value + raised, 0, 1), images.shape[1])


@CORRUPTIONS.register("saturate", title="Saturate")
def saturate(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Scale the saturation and add to it; severities 1 and 2 lower it.

    What has no colour turns reddish where saturation is raised, which darkens images of one channel
    at severities 4 and 5 and leaves them unchanged below.
    """
    factor, raised = ((0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2))[severity - 1]
    hue, saturation, value = _hsv(images)
    return _from_hsv(hue, np.clip(saturation * factor + raised, 0, 1), value, images.shape[1])


def _hsv(images: np.ndarray) -> np.ndarray:
    """Hue, saturation and value, each [N, H, W]."""
    shape = len(images), 3, *images.shape[2:]
    return np.moveaxis(rgb_to_hsv(np.broadcast_to(images / 255, shape)), 1, 0)


def _from_hsv(
    hue: np.ndarray, saturation: np.ndarray, value: np.ndarray, channels: int
) -> np.ndarray:
    return as_bytes(shown_as(hsv_to_rgb(np.stack([hue, saturation, value], 1)), channels))


@CORRUPTIONS.register("pixelate", title="Pixelate")
def pixelate(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Reduce the image to a share of its side and enlarge it again, by averages over boxes."""
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1]
    height, width = images.shape[2:]
    return resized(resized(images, int(height * share), int(width * share)), height, width)


def resized(images: np.ndarray, height: int, width: int) -> np.ndarray:
    """Images uint8 [N, C, H, W] resized by averages over boxes, to the bit as Pillow does it."""
    rows, columns = _boxes(images.shape[2], height), _boxes(images.shape[3], width)
    half = 1 << (BITS - 1)
    across = (images.astype(np.int64) @ columns.T + half) >> BITS
    return ((rows @ across + half) >> BITS).astype(np.uint8)


def _boxes(before: int, after: int) -> np.ndarray:
    """The share of each of `before` pixels in each of `after`, int64 in units of 2^-BITS."""
    scale = before / after
    support = 0.5 * max(scale, 1)
    centre = (np.arange(after)[:, None] + 0.5) * scale
    first, last = (centre - support + 0.5).astype(int), (centre + support + 0.5).astype(int)
    pixel = np.arange(before)
    distance = (pixel - centre + 0.5) / max(scale, 1)
    inside = (first <= pixel) & (pixel < last) & (distance > -0.5) & (distance <= 0.5)
    shares = inside / inside.sum(1, keepdims=True)
    return (shares * (1 << BITS) + 0.5).astype(np.int64) * inside


@CORRUPTIONS.register("jpeg_compression", title="JPEG")
def jpeg_compression(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Save as JPEG."""
    quality = (80, 65, 58, 50, 40)[severity - 1]
    found = np.empty_like(images)
    for index, image in enumerate(images.transpose(0, 2, 3, 1)):
        file = io.BytesIO()
        Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(
            file, "JPEG", quality=quality
        )
        found[index] = np.atleast_3d(Image.open(file, formats=["JPEG"])).transpose(2, 0, 1)
    return found
