"""Preparing data sets: from published archives to one file per split and dataset.json."""

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from passband.data.detection import Scenes, check_scenes
from passband.data.download import fetch
from passband.data.image_folder import fingerprint
from passband.data.mirrors import own_folder
from passband.data.registry import Dataset, get
from passband.data.scenes import composed
from passband.data.storage import check
from passband.dependencies import code
from passband.errors import explained
from passband.files import sha256, write_arrays, write_json


def prepare(dataset_id: str, folder: Path, mirror: Path | None = None) -> None:
    """Prepare a data set: write one safetensors file per split, and dataset.json.

    A data set without published files is made from the user's own folder of images (see
    `passband.data.image_folder`). Images smaller than the data set's side are padded with zeros
    (28 x 28 becomes 32 x 32). Equal input gives equal bytes. Files that are complete already are
    left as they are, whoever wrote them: another run may be reading them. While another process
    prepares the same folder, this one waits.

    Args:
        dataset_id: id of a registered data set.
        folder: the output folder; downloads are kept in its subfolder raw.
        mirror: a folder with the published files, see `passband.data.download.fetch`.

    Raises:
        UserError: the id is unknown, a file is missing or damaged, or the disk is full.
    """
    dataset = get(dataset_id)
    folder = Path(folder)
    if is_complete(dataset, folder, mirror):
        return
    with alone(folder):
        if not is_complete(dataset, folder, mirror):
            _prepare(dataset, folder, mirror)


def is_complete(dataset: Dataset, folder: Path, mirror: Path | None = None) -> bool:
    """Whether a folder holds what `prepare` writes, undamaged, made of the same files by this code.

    Args:
        dataset: the data set.
        folder: the output folder of `prepare`.
        mirror: a mirror folder, which may hold the user's own images.
    """
    try:
        described = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        made_of = described["source"], described["prepared_by"]
        return made_of == (_source(dataset, mirror), _code()) and all(
            sha256(folder / f"{split}.safetensors") == described["splits"][split]["sha256"]
            for split in dataset.splits
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time work on the folder of a data set; the others wait.

    The lock ends with the process that holds it, even if that is killed.

    Args:
        folder: holds the prepared files and downloads of one data set; made if there is none.

    Raises:
        UserError: the folder is not writable.
    """
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"waiting: another run is preparing {folder}", file=sys.stderr)
            lock.acquire()
    except OSError as error:
        doing = f"cannot lock {folder / '.lock'}"
        raise explained(error, doing) or error from error
    try:
        yield
    finally:
        lock.release()


def _prepare(dataset: Dataset, folder: Path, mirror: Path | None) -> None:
    owner = get(dataset.made_of) if dataset.made_of else dataset
    paths = {file.name: fetch(owner, file, folder / "raw", mirror) for file in dataset.files}
    paths = paths or {dataset.id: own_folder(dataset, mirror)}
    parsed = dataset.parse(paths)
    if dataset.made_of:
        parsed = composed(parsed, dataset.sizes)
    splits = {}
    for split in dataset.splits:
        path = folder / f"{split}.safetensors"
        arrays = _checked(getattr(parsed, split), dataset.side, parsed.classes, path)
        described = {
            "id": dataset.id,
            "title": dataset.title,
            "classes": parsed.classes,
        }
        write_arrays(path, arrays, {"dataset": described})
        splits[split] = {
            "file": path.name,
            "images": len(arrays["images"]),
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
            "source": _source(dataset, mirror),
            "prepared_by": _code(),
            "splits": splits,
        },
    )


def _checked(
    split: tuple[np.ndarray, np.ndarray] | Scenes, side: int, classes: tuple[str, ...], path: Path
) -> dict[str, np.ndarray]:
    """The arrays of a split as they are stored."""
    if isinstance(split, Scenes):
        check_scenes(split, classes, path)
        return split._asdict()
    images, labels = split
    arrays = {"images": _padded(images, side), "labels": labels.astype(np.int64)}
    check(**arrays, classes=classes, path=path)
    return arrays


def _source(dataset: Dataset, mirror: Path | None) -> dict[str, str]:
    if not dataset.files:
        return {"images": fingerprint(own_folder(dataset, mirror))}
    return {file.name: file.sha256 for file in dataset.files}


def _code() -> str:
    """A checksum of the sources that determine what is prepared: this module and its imports."""
    sources = b"".join(Path(file).read_bytes() for file in code(Path(__file__)))
    return hashlib.sha256(sources).hexdigest()


def _padded(images: np.ndarray, side: int) -> np.ndarray:
    border = (side - images.shape[-1]) // 2
    return np.pad(images, ((0, 0), (0, 0), (border, border), (border, border)))
