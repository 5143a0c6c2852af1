"""Scenes of garments: the same on every machine, with boxes that are exact."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from passband.data.detection import Scenes
from passband.data.scenes import BRIGHTNESS, MOST, SIDE, SIZES, compose, ground
from passband.draws import Draws, key_of


def garments(count: int = 12) -> np.ndarray:
    """White shapes on black [n, 1, 28, 28]: full rectangles and, in turn, discs."""
    images = np.zeros((count, 1, 28, 28), np.uint8)
    y, x = np.mgrid[:28, :28]
    for index, image in enumerate(images[:, 0]):
        height, width = 8 + index, 27 - index
        if index % 2:
            image[(y - 14) ** 2 + (x - 13) ** 2 <= (5 + index / 2) ** 2] = 255
        else:
            image[2 : 2 + height, 1 : 1 + width] = 255
    return images


LABELS = np.arange(12) % 10


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return compose(garments(), LABELS, 40, "train")


def without_garments(split: str = "train", count: int = 40) -> np.ndarray:
    return ground(Draws(key_of("scenes of garments", split), torch.arange(count)))


def objects_of(scenes: Scenes, index: int) -> slice:
    return slice(scenes.offsets[index], scenes.offsets[index + 1])


def test_scenes_depend_on_split_and_index_only(scenes):
    again = compose(garments(), LABELS, 40, "train")
    fewer = compose(garments(), LABELS, 7, "train")
    for one, other in zip(scenes, again, strict=True):
        assert one.dtype == other.dtype and np.array_equal(one, other)
    assert np.array_equal(fewer.images, scenes.images[:7])
    assert np.array_equal(fewer.boxes, scenes.boxes[: fewer.offsets[-1]])
    assert not np.array_equal(compose(garments(), LABELS, 7, "test").images, fewer.images)


def test_scenes_composed_in_parts_are_joined_in_order():
    several = compose(garments(), LABELS, 503, "train")
    alone = compose(garments(), LABELS, 501, "train")
    assert np.array_equal(several.images[:501], alone.images)
    assert np.array_equal(several.offsets[:502], alone.offsets)
    assert several.offsets[-1] == len(several.boxes) == len(several.classes)


def test_boxes_enclose_garments_exactly(scenes):
    """White garments differ from every ground, so that what differs are the garments."""
    differs = scenes.images[:, 0] != without_garments()
    for index, mask in enumerate(differs):
        drawn = np.zeros_like(mask)
        for left, top, right, bottom in scenes.boxes[objects_of(scenes, index)].astype(int):
            inside = mask[top:bottom, left:right]
            assert inside[0].any() and inside[-1].any()
            assert inside[:, 0].any() and inside[:, -1].any()
            assert not drawn[top:bottom, left:right].any(), "garments overlap"
            drawn[top:bottom, left:right] = True
        assert not (mask & ~drawn).any()


def test_numbers_and_sizes_of_garments(scenes):
    counts = np.diff(scenes.offsets)
    assert set(counts) >= {1, 2, 3, 4} and counts.max() <= MOST
    extents = scenes.boxes[:, 2:] - scenes.boxes[:, :2]
    longer = extents.max(1)
    assert longer.min() >= SIZES[0] - 2 and longer.max() == SIZES[1]
    assert (longer < 28).any() and (longer > 40).any()
    assert scenes.boxes.min() >= 0 and scenes.boxes.max() <= SIDE
    assert (scenes.boxes == scenes.boxes.round()).all()
    assert set(scenes.classes) == set(LABELS) and not scenes.crowd.any()
    assert (scenes.sizes == SIDE).all()


def test_a_garment_is_resized_as_torch_does_it(scenes):
    """Rectangles have no edge inside their box, discs are compared with interpolation by torch."""
    compared = 0
    for index in range(len(scenes.images)):
        for one in range(*objects_of(scenes, index).indices(len(scenes.boxes))):
            left, top, right, bottom = scenes.boxes[one].astype(int)
            found = scenes.images[index, 0, top:bottom, left:right]
            for image in garments()[scenes.classes[one] == LABELS, 0]:
                rows, columns = np.nonzero(image)
                cut = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
                size = bottom - top, right - left
                tensor = torch.from_numpy(cut).double()[None, None]
                wanted = F.interpolate(tensor, size, mode="bilinear", antialias=False)[0, 0]
                covered = wanted.numpy() >= 128
                same = found[covered] == np.rint(wanted.numpy())[covered]
                if covered.any() and same.all():
                    compared += 1
                    break
    assert compared >= 0.9 * len(scenes.boxes)


def test_grounds_have_texture_at_every_scale():
    grounds = without_garments(count=20).astype(float)
    low, high = BRIGHTNESS
    assert grounds.min() >= low and grounds.max() <= high
    for width in (1, 3, 8):
        blurred = ndimage.gaussian_filter(grounds, (0, width, width))
        assert (grounds - blurred).std() > 1
        grounds = blurred
    assert grounds.std(axis=(1, 2)).min() > 2
