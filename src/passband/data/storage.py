"""Reading and validating prepared data sets, one safetensors file per split."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from passband.data.detection import Scenes, check_scenes
from passband.errors import Damaged, UserError
from passband.files import read_arrays, read_metadata


class ImageSet(NamedTuple):
    """One split: images uint8 [N,C,H,W] (0..255), labels int64 [N], class names, title."""

    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    title: str

    task = "classification"

    def take(self, chosen: torch.Tensor | slice) -> "ImageSet":
        """Some of the images, by their indices."""
        return self._replace(images=self.images[chosen], labels=self.labels[chosen])


class SceneSet(NamedTuple):
    """One split of a detection data set.

    images uint8 [N,C,S,S] and sizes int64 [N,2] as in `Scenes`; labels float32 [N,K,6]: box, class
    and crowd of up to K objects per image, padded with rows of class -1; class names, title.
    """

    images: torch.Tensor
    sizes: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    title: str

    task = "detection"

    def take(self, chosen: torch.Tensor | slice) -> "SceneSet":
        """Some of the images, by their indices."""
        return self._replace(
            images=self.images[chosen], sizes=self.sizes[chosen], labels=self.labels[chosen]
        )


class CorruptedImages(NamedTuple):
    """Corrupted versions of the first images of a split.

    of: (corruption, severity) -> uint8 [N, C, H, W]. source: corruption -> where its images come
    from, as measurements name it.
    """

    of: Callable[[str, int], np.ndarray]
    source: Callable[[str], str]


def load(folder: Path, split: str) -> ImageSet | SceneSet:
    """Read a split of a prepared data set.

    Args:
        folder: the folder that `passband.data.preparation.prepare` wrote.
        split: name of the split, such as "train" or "test".

    Raises:
        UserError: the file is missing or unreadable, or has wrong shapes, types or labels.
    """
    path = Path(folder) / f"{split}.safetensors"
    if not path.is_file():
        raise UserError(f"{path} does not exist: prepare the data set first.")
    arrays = read_arrays(path)
    described = read_metadata(path)["dataset"]
    classes = tuple(described["classes"])
    if "offsets" in arrays:
        scenes = Scenes(**arrays)
        check_scenes(scenes, classes, path)
        return _with_padded_labels(scenes, classes, described["title"])
    images, labels = arrays["images"], arrays["labels"]
    check(images, labels, classes, path)
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels), classes, described["title"])


def load_corrupted(path: Path) -> CorruptedImages:
    """Read the corrupted images that `passband.data.corrupted.store` wrote.

    Raises:
        UserError: the file is missing or cannot be read.
        Damaged: it is not as it was written.
    """
    arrays, described = read_arrays(path), read_metadata(path)
    severities, sources = described["severities"], described["sources"]
    return CorruptedImages(
        lambda name, severity: arrays[name][severities.index(severity)], sources.__getitem__
    )


def check(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], path: Path) -> None:
    """Validate the arrays of a split.

    Args:
        images: uint8 [N,C,H,W], N at least 1.
        labels: int64 [N], indices of `classes`.
        classes: class names.
        path: the file, as messages name it.

    Raises:
        Damaged: an array does not fit.
    """
    wrong = None
    if images.dtype != np.uint8 or images.ndim != 4:
        wrong = f"images of type {images.dtype} with {images.ndim} axes, not uint8 [N,C,H,W]"
    elif labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        wrong = f"labels {labels.dtype} {list(labels.shape)}, not one int64 for each image"
    elif not len(labels):
        wrong = "no image"
    elif labels.min() < 0 or labels.max() >= len(classes):
        wrong = f"labels {labels.min()} to {labels.max()}, but {len(classes)} classes"
    if wrong:
        raise Damaged(path, f"it has {wrong}")


def _with_padded_labels(scenes: Scenes, classes: tuple[str, ...], title: str) -> SceneSet:
    """A stored split with the objects of each image padded to a common number."""
    counts = np.diff(scenes.offsets)
    labels = np.zeros((len(counts), max(1, counts.max()), 6), np.float32)
    labels[..., 4] = -1
    image = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(image)) - scenes.offsets[image]
    labels[image, place, :4] = scenes.boxes
    labels[image, place, 4] = scenes.classes
    labels[image, place, 5] = scenes.crowd
    tensors = (torch.from_numpy(array) for array in (scenes.images, scenes.sizes, labels))
    return SceneSet(*tensors, classes, title)
