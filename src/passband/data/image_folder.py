"""A user's own images: a folder with one subfolder per class in each split, resized."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from passband.data.parsers import Parsed
from passband.errors import UserError

SPLITS = {"train": ("train",), "test": ("test", "val")}
SUFFIXES = (".jpeg", ".jpg", ".png")


def parse_image_folder(paths: Mapping[str, Path], *, side: int) -> Parsed:
    """The JPEG and PNG images <split>/<class>/**/<image> of a folder, as [N, 3, side, side].

    Splits are the subfolders `train` and `test`, or `val` where there is no `test`. Classes are the
    subfolders of `train` in the order of their names. Each image is cropped to its central square
    and resized by averaging over pixels (Pillow's box filter). The images of a split are ordered by
    the SHA-256 of their paths, so that the first ones are a random sample of all classes, the same
    on every machine.

    Args:
        paths: the folder by name.
        side: side of the images in pixels.

    Raises:
        UserError: a split or its classes are missing, a class is empty or unknown, or a file is no
            image.
    """
    (folder,) = paths.values()
    files = {split: listed(folder, split) for split in SPLITS}
    classes = sorted({name for name, _ in files["train"]})
    if len(classes) < 2:
        raise UserError(f"{folder / 'train'} has the class {classes[0]} only: add another one.")
    for name in sorted({name for name, _ in files["test"]} - set(classes)):
        raise UserError(
            f"{folder} has test images of the class {name}, but no training images: add some, or "
            "remove the class."
        )
    number = {name: index for index, name in enumerate(classes)}
    splits = {
        split: (
            _decoded([path for _, path in pairs], side, split),
            np.array([number[name] for name, _ in pairs]),
        )
        for split, pairs in files.items()
    }
    return Parsed(splits["train"], splits["test"], tuple(classes))


def listed(folder: Path, split: str) -> list[tuple[str, Path]]:
    """The images of a split as (class, path), ordered by the SHA-256 of their paths below it.

    Raises:
        UserError: the split's folder or the folders of its classes are missing, or one is empty.
    """
    names = SPLITS[split]
    found = next((folder / name for name in names if (folder / name).is_dir()), None)
    if found is None:
        raise UserError(
            f"{folder} has no folder {' or '.join(names)}: put the images of each class into "
            f"{names[0]}/<class>/."
        )
    classes = sorted(path for path in found.iterdir() if path.is_dir())
    if not classes:
        raise UserError(
            f"{found} has no folders of classes, so nothing tells what its images show: put the "
            f"images of each class into {found.name}/<class>/."
        )
    pairs = []
    for one in classes:
        images = [path for path in one.rglob("*") if path.suffix.lower() in SUFFIXES]
        if not images:
            raise UserError(f"{one} has no JPEG or PNG image: add some, or remove the folder.")
        pairs += [(one.name, path) for path in images]
    return sorted(pairs, key=lambda pair: _digest(pair[1].relative_to(found).as_posix()))


def fingerprint(folder: Path) -> str:
    """A SHA-256 of the names and sizes of all images of both splits."""
    lines = [
        f"{path.relative_to(folder).as_posix()} {path.stat().st_size}"
        for split in SPLITS
        for _, path in listed(folder, split)
    ]
    return _digest("\n".join(lines))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _decoded(files: list[Path], side: int, split: str) -> np.ndarray:
    from PIL import Image, ImageOps  # slow to import, needed here only

    images = np.empty((len(files), side, side, 3), np.uint8)
    for index, path in enumerate(tqdm(files, desc=f"{split} images", unit="image", disable=None)):
        try:  # any other format is refused: Pillow starts other programs to read some of them
            with Image.open(path, formats=["JPEG", "PNG"]) as image:
                square = ImageOps.fit(image.convert("RGB"), (side, side), Image.Resampling.BOX)
            images[index] = square
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise UserError(
                f"{path} is not a JPEG or PNG image that can be read: remove or replace it."
            ) from error
    return images.transpose(0, 3, 1, 2)
