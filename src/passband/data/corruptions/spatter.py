"""Spatter: drops of water or of mud on the lens."""

import numpy as np
from scipy import ndimage

from passband.data.corruptions import CORRUPTIONS, as_bytes, normal
from passband.data.corruptions.blur import blurred
from passband.data.corruptions.colour import shown_as
from passband.draws import Draws

WATER = np.array([175, 238, 238]) / 255  # pale turquoise
MUD = np.array([63, 42, 20]) / 255  # brown
EDGES = (50, 150)  # thresholds of Canny's detector
FAR = 20  # pixels from an edge beyond which distances do not count
SOBEL = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])  # derivative downwards
RELIEF = np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])
IN_PLANE = np.zeros((3, 3, 3), bool)
IN_PLANE[1] = True  # neighbours within an image


@CORRUPTIONS.register("spatter", title="Spatter")
def spatter(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Add drops of water (severities 1 to 3), or cover parts with mud (4 and 5).

    Distances from the edges of drops are Euclidean, where the published code approximates them
    within 2 %.
    """
    mean, scale, smooth, least, amount, mud = (
        (0.62, 0.1, 0.7, 0.7, 0.5, False),
        (0.65, 0.1, 0.8, 0.7, 0.5, False),
        (0.65, 0.3, 1, 0.69, 0.5, False),
        (0.65, 0.1, 0.7, 0.69, 0.6, True),
        (0.65, 0.1, 0.5, 0.68, 0.6, True),
    )[severity - 1]
    liquid = blurred(mean + scale * normal(draws, "liquid", images.shape[2:]), smooth)
    values, channels = images / 255, images.shape[1]
    if mud:
        cover = blurred((liquid > least).astype(float), amount)[:, None]
        cover = np.where(cover < 0.8, 0, cover)
        return as_bytes(values * (1 - cover) + cover * _colour(MUD, channels))
    drops = as_bytes(np.where(liquid < least, 0, liquid)).astype(int)
    light = drops * _relief(drops)
    brightest = light.max((1, 2), keepdims=True)
    light = amount * light / np.where(brightest == 0, 1, brightest)
    return as_bytes(values + light[:, None] * _colour(WATER, channels))


def _colour(colour: np.ndarray, channels: int) -> np.ndarray:
    return shown_as(colour.reshape(1, 3, 1, 1), channels)


def _relief(drops: np.ndarray) -> np.ndarray:
    """How light falls on drops [N, H, W], whole numbers 0 to 255."""
    distance = np.minimum(_distance(edges(drops)), FAR)
    smooth = np.floor(_mean(distance)).astype(int)
    lit = ndimage.correlate(equalised(smooth), RELIEF[None], mode="mirror")
    return np.rint(_mean(np.clip(lit, 0, 255)))


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of 3 x 3 pixels."""
    return ndimage.correlate(values, np.ones((1, 3, 3), values.dtype), mode="mirror") / 9


def _distance(marked: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest marked one of its image; large if there is none."""
    apart = 100 * max(marked.shape[1:])  # between images
    planes = np.concatenate([marked, np.ones_like(marked[:1])])
    return ndimage.distance_transform_edt(~planes, (apart, 1, 1))[:-1]


def equalised(levels: np.ndarray) -> np.ndarray:
    """Images of whole numbers [N, H, W] with their histograms equalised to 0 to 255.

    The lowest level that occurs becomes 0; an image of one level stays as it is.
    """
    count = levels[0].size
    present = levels[:, None] == np.arange(levels.max() + 1)[:, None, None]
    below = present.sum((2, 3)).cumsum(1)
    lowest = np.where(below > 0, below, count).min(1, keepdims=True)
    span = np.where(lowest == count, 1, count - lowest)
    table = np.rint(np.maximum(below - lowest, 0) * (255 / span)).astype(int)
    table = np.where(lowest == count, np.arange(table.shape[1]), table)
    return table[np.arange(len(levels))[:, None, None], levels]


def edges(levels: np.ndarray) -> np.ndarray:
    """The edges of images of whole numbers [N, H, W] by Canny's detector (1986), bool.

    With Sobel's derivatives, the 1-norm of the gradient and the thresholds EDGES.
    """
    down, right = (
        ndimage.correlate(levels, kernel[None], mode="nearest") for kernel in (SOBEL, SOBEL.T)
    )
    strength = np.abs(down) + np.abs(right)
    padded = np.pad(strength, ((0, 0), (1, 1), (1, 1)))
    height, width = levels.shape[1:]

    def beside(row: int, column: int) -> np.ndarray:
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    tangent = 2**0.5 - 1
    level = np.abs(down) < tangent * np.abs(right)
    upright = np.abs(right) < tangent * np.abs(down)
    opposite = (down < 0) != (right < 0)
    peak = np.select(
        [level, upright, opposite],
        [
            (strength > beside(0, -1)) & (strength >= beside(0, 1)),
            (strength > beside(-1, 0)) & (strength >= beside(1, 0)),
            (strength > beside(-1, 1)) & (strength > beside(1, -1)),
        ],
        (strength > beside(-1, -1)) & (strength > beside(1, 1)),
    )
    weak, strong = EDGES
    candidates = peak & (strength > weak)
    parts, _ = ndimage.label(candidates, IN_PLANE)
    kept = np.unique(parts[candidates & (strength > strong)])
    return np.isin(parts, kept) & candidates
