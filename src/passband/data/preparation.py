"""Preparing data sets: from published archives to one file per split and dataset.json."""

from pathlib import Path

import numpy as np

from passband.data.download import fetch
from passband.data.registry import get
from passband.data.storage import check
from passband.files import sha256, write_arrays, write_json


def prepare(dataset_id: str, folder: Path, mirror: Path | None = None) -> None:
    """Prepare a data set: write one safetensors file per split, and dataset.json.

    Images smaller than the data set's side are padded with zeros (28 x 28 becomes 32 x 32). Equal
    input gives equal bytes.

    Args:
        dataset_id: id of a registered data set.
        folder: the output folder; downloads are kept in its subfolder raw.
        mirror: a folder with the published files, see `passband.data.download.fetch`.

    Raises:
        UserError: the id is unknown, a file is missing or damaged, or the disk is full.
    """
    dataset = get(dataset_id)
    folder = Path(folder)
    paths = {file.name: fetch(dataset, file, folder / "raw", mirror) for file in dataset.files}
    parsed = dataset.parse(paths)
    splits = {}
    for split in dataset.splits:
        images, labels = getattr(parsed, split)
        arrays = {
            "images": _padded(images, dataset.side),
            "labels": labels.astype(np.int64),
        }
        path = folder / f"{split}.safetensors"
        check(**arrays, classes=parsed.classes, path=path)
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


def _padded(images: np.ndarray, side: int) -> np.ndarray:
    border = (side - images.shape[-1]) // 2
    return np.pad(images, ((0, 0), (0, 0), (border, border), (border, border)))
