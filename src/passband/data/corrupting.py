"""Corrupting a split as a job: files in, one file out."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from passband.data.corrupted import frost_pictures, generated, store
from passband.data.download import fetch
from passband.data.preparation import alone
from passband.data.published_corruptions import ARCHIVES, read_corruption
from passband.data.storage import load


def corrupt(
    *,
    data_file: Path,
    dataset: str,
    corruptions: Sequence[str],
    severities: Sequence[int],
    images: int | None,
    downloads: Path,
    output: Path,
    mirror: Path | None = None,
) -> None:
    """Write the corrupted first images of a split.

    Those of a test split with a published archive come from there, all others are generated, frost
    with the pictures in a mirror folder or else with a procedural texture.

    Args:
        data_file: the split.
        dataset: id of its data set.
        corruptions: names of corruptions.
        severities: 1 to 5.
        images: number of images; None for all.
        downloads: the folder of all prepared data sets; the archive is kept there.
        output: the file, see `passband.data.corrupted`.
        mirror: a mirror folder, see `passband.data.download.fetch`.

    Raises:
        UserError: the archive cannot be had or does not fit the images, or a picture of frost
            cannot be read.
    """
    data = load(data_file.parent, data_file.stem)
    clean, labels = data.images[:images].numpy(), data.labels.numpy()
    archive = ARCHIVES.get(dataset) if data_file.stem == "test" else None
    if archive is None:
        pictures = frost_pictures(mirror) if "frost" in corruptions else []
        if "frost" in corruptions and not pictures:
            print("no mirror folder has the pictures of frost: a procedural texture is used")
        made = generated(clean, pictures)
        arrays = {
            name: np.stack([made.of(name, severity) for severity in severities])
            for name in corruptions
        }
        store(output, arrays, severities, {name: made.source(name) for name in corruptions})
        return
    folder = downloads / archive.id
    with alone(folder):
        path = fetch(archive, archive.file, folder / "raw", mirror)
    arrays = {
        name: read_corruption(path, archive.folder, name, severities, labels, len(clean))
        for name in corruptions
    }
    store(output, arrays, severities, dict.fromkeys(corruptions, archive.title))
