"""Fog and snow."""

import numpy as np

from passband.data.corruptions import CORRUPTIONS, as_bytes, normal, uniform
from passband.data.corruptions.blur import zoomed
from passband.data.corruptions.colour import luminance
from passband.data.corruptions.motion import moved
from passband.draws import Draws


@CORRUPTIONS.register("fog", title="Fog")
def fog(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Add a plasma fractal, and scale the sum down to the brightness of the image."""
    amount, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    height, width = images.shape[2:]
    brightest = images.max((1, 2, 3), keepdims=True) / 255
    haze = plasma(draws, max(32, height, width), decay)[:, None, :height, :width]
    return as_bytes((images / 255 + amount * haze) * brightest / (brightest + amount))


def plasma(draws: Draws, side: int, decay: float) -> np.ndarray:
    """Plasma fractals by the diamond-square algorithm (Fournier, Fussell, Carpenter 1982).

    They wrap around, and span [0, 1].

    Args:
        draws: of the images that they are for.
        side: the fractal's side is the next power of two.
        decay: each halving of the grid divides the noise by its square.

    Returns:
        float64 [N, S, S].
    """
    size = 1 << (side - 1).bit_length()
    heights = np.zeros((len(draws.indices), size, size))
    step, rough = size, 100.0
    while step >= 2:
        half = step // 2

        def settled(total: np.ndarray, place: str, step: int = step, rough: float = rough):
            noise = uniform(draws, (place, step), total.shape[1:], -1, 1)
            return total / 4 + rough**2 * noise

        corners = heights[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, 1)
        centres = settled(pairs + np.roll(pairs, -1, 2), "centre")
        heights[:, half::step, half::step] = centres
        level = centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 2)
        upright = centres + np.roll(centres, 1, 2) + corners + np.roll(corners, -1, 1)
        heights[:, ::step, half::step] = settled(level, "level")
        heights[:, half::step, ::step] = settled(upright, "upright")
        step, rough = half, rough / decay
    heights -= heights.min((1, 2), keepdims=True)
    return heights / heights.max((1, 2), keepdims=True)


@CORRUPTIONS.register("snow", title="Snow")
def snow(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Whiten the image and add motion-blurred flakes, and the same rotated by 180 degrees."""
    mean, scale, zoom, least, radius, sigma, kept = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )[severity - 1]
    flakes = mean + scale * normal(draws, "flakes", (1, *images.shape[2:]))
    flakes = zoomed(flakes, zoom)
    flakes = as_bytes(np.where(flakes < least, 0, flakes))
    falling = moved(flakes, radius, sigma, uniform(draws, "angle", (), -135, -45)) / 255
    values = images / 255
    white = np.maximum(values, luminance(values) * 1.5 + 0.5)
    return as_bytes(kept * values + (1 - kept) * white + falling + falling[:, :, ::-1, ::-1])
