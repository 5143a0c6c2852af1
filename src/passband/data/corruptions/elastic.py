"""Elastic transformation."""

import numpy as np
from scipy import ndimage

from passband.data.corruptions import CORRUPTIONS, as_bytes, uniform
from passband.draws import Draws


@CORRUPTIONS.register("elastic_transform", title="Elastic")
def elastic_transform(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Distort by a random affine map and by smooth random shifts of the pixels.

    The affine map, which shifts three corners of a central square at random, is applied first. All
    lengths are shares of the image side.
    """
    side = min(images.shape[2:])
    shares = (
        (0, 0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )[severity - 1]
    strength, smoothness, corner = (side * share for share in shares)
    shifts = uniform(draws, "corners", (3, 2), -corner, corner)
    rows, columns = _affine(images.shape[2:], shifts)
    turned = sampled(images / 255, rows, columns, _mirrored)
    down, right = (
        strength * _smooth(uniform(draws, axis, images.shape[2:], -1, 1), smoothness)
        for axis in ("down", "right")
    )
    row, column = np.indices(images.shape[2:])
    return as_bytes(sampled(turned, row + down, column + right, _reflected))


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    return ndimage.gaussian_filter(values, (0, sigma, sigma), mode="reflect", truncate=3)


def _affine(shape: tuple[int, int], shifts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the pixels of images whose corners have shifted come from.

    Args:
        shape: height and width in pixels.
        shifts: of three corners of a central square, (right, down) in pixels, [N, 3, 2].

    Returns:
        Rows and columns, each [N, H, W].
    """
    centre, reach = np.array(shape) // 2, min(shape) // 3
    corners = centre + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    moved = np.concatenate([corners + shifts, np.ones((len(shifts), 3, 1))], 2)
    back = np.linalg.solve(moved, np.broadcast_to(corners, shifts.shape).astype(float))
    row, column = np.indices(shape)
    columns, rows = (
        back[:, 0, axis, None, None] * column
        + back[:, 1, axis, None, None] * row
        + back[:, 2, axis, None, None]
        for axis in range(2)
    )
    return rows, columns


def sampled(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, fold) -> np.ndarray:
    """Images [N, C, H, W] at places between their pixels [N, H, W], by bilinear interpolation.

    `fold` maps pixel numbers beyond the edges to those of an axis of a given length.
    """
    height, width = values.shape[2:]
    image = np.arange(len(values))[:, None, None]
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, right = rows - top, columns - left
    total = 0.0
    for row, down in ((top, 1 - below), (top + 1, below)):
        for column, across in ((left, 1 - right), (left + 1, right)):
            taken = values[image, :, fold(row, height), fold(column, width)]
            total = total + (down * across)[..., None] * taken
    return total.transpose(0, 3, 1, 2)


def _mirrored(place: np.ndarray, length: int) -> np.ndarray:
    """Reflected at the centre of the outermost pixel."""
    place = np.abs(place) % (2 * length - 2)
    return np.minimum(place, 2 * length - 2 - place)


def _reflected(place: np.ndarray, length: int) -> np.ndarray:
    """Reflected at the edge of the image."""
    place = place % (2 * length)
    return np.minimum(place, 2 * length - 1 - place)
