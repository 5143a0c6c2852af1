"""Prepared data sets: one safetensors file per split, and dataset.json beside them."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors import SafetensorError

from passband.data.download import fetch, sha256
from passband.data.registry import get
from passband.errors import UserError
from passband.files import read_arrays, read_metadata, write_arrays, write_json

if TYPE_CHECKING:
    import torch

SPLITS = ("train", "test")


class ImageSet(NamedTuple):
    """One split: images uint8 [N,C,H,W] (0..255), labels int64 [N], class names, title."""

    images: "torch.Tensor"
    labels: "torch.Tensor"
    classes: tuple[str, ...]
    title: str


def prepare(dataset_id: str, folder: Path, mirror: Path | None = None) -> None:
    """Write train.safetensors, test.safetensors and dataset.json into `folder`.

    The published files come from `mirror`, another mirror folder or the network (see
    `passband.data.download.fetch`); those from the network stay in `folder`/raw. Images smaller
    than the data set's side get a border of zeros (28 x 28 becomes 32 x 32). Running it again
    gives the same bytes.

    Raises UserError if the id is unknown, a file is missing or damaged, or the disk is full.
    """
    dataset = get(dataset_id)
    folder = Path(folder)
    paths = {file.name: fetch(dataset, file, folder / "raw", mirror) for file in dataset.files}
    parsed = dataset.parse(paths)
    splits = {}
    for split in SPLITS:
        images, labels = getattr(parsed, split)
        arrays = {
            "images": _padded(images, dataset.side),
            "labels": labels.astype(np.int64),
        }
        path = folder / f"{split}.safetensors"
        _check(**arrays, classes=parsed.classes, path=path)
        described = {
            "id": dataset.id,
            "title": dataset.title,
            "classes": parsed.classes,
        }
        write_arrays(path, arrays, {"dataset": described})
        splits[split] = {
            "file": path.name,
            "images": len(labels),
            "sha256": sha256(path),
        }
    write_json(
        folder / "dataset.json",
        {
            "id": dataset.id,
            "title": dataset.title,
            "classes": parsed.classes,
            "licence": dataset.licence,
            "homepage": dataset.homepage,
            "citation": dataset.citation,
            "source": {file.name: file.sha256 for file in dataset.files},
            "splits": splits,
        },
    )


def load(folder: Path, split: str) -> ImageSet:
    """Read a split ("train" or "test") that `prepare` wrote to `folder`.

    Raises UserError if the file is missing, cannot be read, or holds wrong shapes, types or labels.
    """
    import torch  # the registry alone is read at once, without torch's two seconds

    path = Path(folder) / f"{split}.safetensors"
    if not path.is_file():
        raise UserError(f"there is no {path}: prepare the data set first.")
    try:
        arrays = read_arrays(path)
        images, labels = arrays["images"], arrays["labels"]
        described = read_metadata(path)["dataset"]
    except (SafetensorError, KeyError) as error:
        raise UserError(f"{path} cannot be read ({error}): prepare the data set again.") from error
    classes = tuple(described["classes"])
    _check(images, labels, classes, path)
    return ImageSet(torch.from_numpy(images), torch.from_numpy(labels), classes, described["title"])


def _padded(images: np.ndarray, side: int) -> np.ndarray:
    border = (side - images.shape[-1]) // 2
    return np.pad(images, ((0, 0), (0, 0), (border, border), (border, border)))


def _check(images: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], path: Path) -> None:
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
        raise UserError(f"{path} has {wrong}: prepare the data set again.")
