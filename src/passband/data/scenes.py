"""Scenes of garments on textured backgrounds: a small detection data set with exact boxes.

Each scene of 112 x 112 pixels shows one to five images of Fashion-MNIST, cropped to the garment and
resized so that its longer side has 20 to 48 pixels. Garments do not overlap: each is placed at the
first of 30 random positions that is free, and left out if none is. The background is a weighted sum
of noise on grids of 7, 14, 28 and 112 cells, so that it has texture at every scale.

A scene is a function of (split, index): all random numbers come from `passband.draws`, and the rest
is elementwise NumPy arithmetic in float64, so scenes are the same on every machine.
"""

from collections.abc import Mapping

import numpy as np
import torch

from passband.data.detection import Scenes
from passband.data.parsers import Parsed
from passband.draws import Draws, key_of

SIDE = 112
MOST = 5  # maximum number of garments in a scene
SIZES = (20, 48)  # longer side of a garment in pixels, both included
PLACES = 30  # positions tried for each garment
FOREGROUND = 16  # smallest value of a pixel that belongs to a garment
CELLS = {
    7: 0.5,
    14: 0.25,
    28: 0.15,
    SIDE: 0.1,
}  # weight of each grid of noise by its cells
BRIGHTNESS = (20.0, 200.0)  # range of the background's pixels


def composed(garments: Parsed, counts: Mapping[str, int]) -> Parsed:
    """Scenes of the garments of each split, as many as `counts` says."""
    train = compose(*garments.train, counts["train"], "train")
    test = compose(*garments.test, counts["test"], "test")
    return Parsed(train, test, garments.classes)


def compose(images: np.ndarray, labels: np.ndarray, count: int, split: str) -> Scenes:
    """Compose the scenes of a split.

    Args:
        images: garments on black, uint8 [n, 1, 28, 28].
        labels: their classes [n].
        count: number of scenes.
        split: name of the split, which seeds the random numbers.
    """
    parts = [
        _compose(images[:, 0], labels, torch.arange(start, min(start + 500, count)), split)
        for start in range(0, count, 500)
    ]
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    offsets = np.concatenate([[0], counts.cumsum()])
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("images", "sizes", "boxes", "classes", "crowd")
    }
    return Scenes(**joined, offsets=offsets)


def _compose(images: np.ndarray, labels: np.ndarray, indices: torch.Tensor, split: str) -> Scenes:
    draws = Draws(key_of("scenes of garments", split), indices)
    count = len(indices)
    chosen = draws.integers("garment", len(images), (MOST,)).numpy()
    longer = SIZES[0] + draws.integers("size", SIZES[1] - SIZES[0] + 1, (MOST,)).numpy()
    corners, extents = _bounds(images[chosen.ravel()])
    corners, extents = (array.reshape(count, MOST, 2) for array in (corners, extents))
    sizes = np.maximum(1, longer[..., None] * extents // extents.max(-1, keepdims=True))

    wanted = 1 + draws.integers("number", MOST).numpy()
    places, shown = _places(sizes, wanted, draws)
    scene, slot = np.nonzero(shown)
    picked = [array[scene, slot] for array in (chosen, corners, extents, sizes, places)]
    values, masks = _resized(images, *picked[:4])
    composed = ground(draws)
    row, column = (picked[4][:, axis, None] + np.arange(SIZES[1]) for axis in range(2))
    garment, y, x = np.nonzero(masks)
    composed[scene[garment], row[garment, y], column[garment, x]] = values[garment, y, x]

    boxes = _boxes(masks) + picked[4][:, [1, 0, 1, 0]]
    return Scenes(
        images=composed[:, None],
        sizes=np.full((count, 2), SIDE, np.int64),
        boxes=boxes.astype(np.float32),
        classes=labels[picked[0]].astype(np.int64),
        crowd=np.zeros(len(boxes), np.uint8),
        offsets=np.concatenate([[0], shown.sum(1).cumsum()]),
    )


def ground(draws: Draws) -> np.ndarray:
    """Textured backgrounds without garments, uint8 [N, 112, 112], for the scenes of these draws."""
    total = 0.0
    for cells, weight in CELLS.items():
        noise = draws.uniform(("ground", cells), (cells, cells)).double().numpy()
        total = total + weight * _stretched(_stretched(noise, 1), 2)
    low, high = BRIGHTNESS
    ends = draws.uniform("shade", (2,)).double().numpy() * 0.4
    darkest, brightest = ends[:, 0, None, None], 1 - ends[:, 1, None, None]
    share = darkest + (brightest - darkest) * total
    return np.rint(low + (high - low) * share).astype(np.uint8)


def _stretched(values: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation to 112 values along an axis; the end values are held."""
    first, second, share = _between(np.array(values.shape[axis]), np.array(SIDE), SIDE)
    shape = [1, 1, 1]
    shape[axis] = SIDE
    share = share.reshape(shape)
    return (1 - share) * values.take(first, axis) + share * values.take(second, axis)


def _between(length: np.ndarray, size: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Source positions of `count` pixels when `length` pixels are resized to `size`.

    Returns:
        The pixel before, the pixel after and the weight of the latter, [*shape of length, count].
        Pixel centres are at half-integers; positions outside the source are clamped to its ends.
    """
    length, size = length[..., None], size[..., None]
    at = np.clip((np.arange(count) + 0.5) * length / size - 0.5, 0, length - 1)
    first = at.astype(np.int64)
    return first, np.minimum(first + 1, length - 1), at - first


def _bounds(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper left corners and extents (rows, columns) of the garments, each [n, 2]."""
    found = _boxes(images >= FOREGROUND)
    corners = found[:, [1, 0]]
    return corners, found[:, [3, 2]] - corners


def _boxes(masks: np.ndarray) -> np.ndarray:
    """Bounding boxes (left, top, right, bottom) of masks bool [n, rows, columns]: int64 [n, 4]; the
    whole area for an empty mask."""
    edges = []
    for axis in (1, 2):  # columns, rows
        present = masks.any(axis)
        edges.append((present.argmax(1), present.shape[1] - present[:, ::-1].argmax(1)))
    (left, right), (top, bottom) = edges
    return np.stack([left, top, right, bottom], axis=1)


def _resized(
    images: np.ndarray,
    chosen: np.ndarray,
    corners: np.ndarray,
    extents: np.ndarray,
    sizes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The garments, resized by bilinear interpolation.

    Returns:
        Values uint8 and masks bool, both [n, 48, 48]; garments lie in the upper left corner.
    """
    count = SIZES[1]
    rows, columns = (_between(extents[:, axis], sizes[:, axis], count) for axis in range(2))
    source = images.astype(np.float64)
    values = np.zeros((len(chosen), count, count))
    covered = np.zeros_like(values)
    for row, row_share in ((rows[0], 1 - rows[2]), (rows[1], rows[2])):
        for column, column_share in ((columns[0], 1 - columns[2]), (columns[1], columns[2])):
            y = (corners[:, 0, None] + row)[:, :, None]
            x = (corners[:, 1, None] + column)[:, None, :]
            found = source[chosen[:, None, None], y, x]
            share = row_share[:, :, None] * column_share[:, None, :]
            values += share * found
            covered += share * (found >= FOREGROUND)
    inside = np.arange(count) < sizes[..., None]
    masks = (covered >= 0.5) & inside[:, 0, :, None] & inside[:, 1, None, :]
    return np.rint(values).astype(np.uint8), masks


def _places(sizes: np.ndarray, wanted: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the garments, and which of them are placed.

    Args:
        sizes: rows and columns of the garments [N, 5, 2].
        wanted: number of garments that each scene should show [N].

    Returns:
        Upper left corners int64 [N, 5, 2], and whether each garment is placed, bool [N, 5].
    """
    count = len(sizes)
    shares = draws.uniform("place", (MOST, PLACES, 2)).double().numpy()
    tried = np.floor(shares * (SIDE - sizes[:, :, None] + 1)).astype(np.int64)
    places, shown = np.zeros((count, MOST, 2), np.int64), np.zeros((count, MOST), bool)
    scene = np.arange(count)
    for slot in range(MOST):
        start, end = tried[:, slot], tried[:, slot] + sizes[:, slot, None]  # [N, places, 2]
        others, ends = places[:, None], (places + sizes)[:, None]
        meets = (start[:, :, None] < ends) & (end[:, :, None] > others)
        free = ~(meets.all(-1) & shown[:, None]).any(-1)
        first = free.argmax(1)
        places[:, slot] = tried[scene, slot, first]
        shown[:, slot] = free[scene, first] & (slot < wanted)
    return places, shown
