"""Generating corrupted images of a split, and storing them for all models.

A file has one array per corruption, uint8 [S, N, C, H, W], with the severities in order.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from passband.data.corruptions import CORRUPTIONS, corrupted
from passband.data.corruptions.frost import read_pictures
from passband.data.mirrors import frost_folder
from passband.data.storage import CorruptedImages
from passband.files import write_arrays

GENERATED = "generated"
PROCEDURAL = "generated with procedural frost"


def generated(images: np.ndarray, pictures: Sequence[np.ndarray]) -> CorruptedImages:
    """Corrupted images that are made when they are asked for.

    Args:
        images: uint8 [N, C, H, W], the first ones of the split.
        pictures: of frost; without any, frost is a procedural texture.
    """

    def source(name: str) -> str:
        asks = CORRUPTIONS.settings(name).get("pictures")
        return PROCEDURAL if asks and not pictures else GENERATED

    return CorruptedImages(
        lambda name, severity: corrupted(images, name, severity, pictures), source
    )


def store(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    severities: Sequence[int],
    sources: Mapping[str, str],
) -> None:
    """Write corrupted images for `passband.data.storage.load_corrupted`.

    Args:
        path: the file.
        arrays: uint8 [S, N, C, H, W] by corruption.
        severities: the S severities.
        sources: where the images come from, by corruption.
    """
    write_arrays(path, arrays, {"severities": list(severities), "sources": dict(sources)})


def frost_pictures(mirror: Path | None = None) -> list[np.ndarray]:
    """The pictures of frost in a mirror folder; none if it lacks them.

    Raises:
        UserError: a picture cannot be read.
    """
    folder = frost_folder(mirror)
    return read_pictures(folder) if folder else []
