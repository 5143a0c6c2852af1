"""Images with bounding boxes: the arrays of a split of a detection data set, and their checks."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from passband.errors import Damaged


class Scenes(NamedTuple):
    """A split as it is stored.

    images: uint8 [N, C, S, S]; smaller images lie in the upper left corner, on zeros.
    sizes: int64 [N, 2], height and width of each image in pixels. boxes: float32 [M, 4], left, top,
    right and bottom edge of each object in pixels. classes: int64 [M]. crowd: uint8 [M], 1 for a
    box around many objects, which evaluation ignores. offsets: int64 [N + 1]; the objects of image
    i are boxes[offsets[i] : offsets[i + 1]], and likewise for classes and crowd.
    """

    images: np.ndarray
    sizes: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray
    crowd: np.ndarray
    offsets: np.ndarray


def check_scenes(scenes: Scenes, names: tuple[str, ...], path: Path) -> None:
    """Validate the arrays of a split.

    Args:
        scenes: the arrays.
        names: class names.
        path: the file, as messages name it.

    Raises:
        Damaged: an array has a wrong type, shape or range.
    """
    images, sizes, boxes, classes, crowd, offsets = scenes
    count, objects, wrong = len(images), len(boxes), None
    if images.dtype != np.uint8 or images.ndim != 4:
        wrong = f"images of type {images.dtype} with {images.ndim} axes, not uint8 [N,C,H,W]"
    elif not count:
        wrong = "no image"
    elif sizes.shape != (count, 2) or (sizes < 1).any() or (sizes > images.shape[2:]).any():
        wrong = "sizes that do not fit its images"
    elif offsets.shape != (count + 1,) or offsets[0] != 0 or (np.diff(offsets) < 0).any():
        wrong = "offsets that do not fit its images"
    elif not offsets[-1] == objects == len(classes) == len(crowd) or boxes.shape[1:] != (4,):
        wrong = f"{objects} boxes, {len(classes)} classes and {offsets[-1]} objects"
    elif objects and (classes.min() < 0 or classes.max() >= len(names)):
        wrong = f"classes {classes.min()} to {classes.max()}, but {len(names)} names"
    else:
        bounds = np.repeat(sizes[:, [1, 0]], np.diff(offsets), axis=0) + 1  # rounded outwards
        inside = (boxes >= 0).all() and (boxes[:, 2:] <= bounds).all()
        if not inside or not (boxes[:, 2:] >= boxes[:, :2]).all():
            wrong = "boxes outside its images"
    if wrong:
        raise Damaged(path, f"it has {wrong}")
