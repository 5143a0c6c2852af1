"""From published archives to arrays, without unpacking archives to disk or running their code."""

import gzip
import io
import pickle
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy._core.multiarray import _reconstruct
from tqdm import tqdm

from passband.data.detection import Scenes
from passband.errors import UserError


class Parsed(NamedTuple):
    """The splits, and the class names.

    A split is images uint8 [N,C,H,W] and integer labels [N], or `Scenes` for a detection data set;
    None if the data set does not have it.
    """

    train: tuple[np.ndarray, np.ndarray] | Scenes | None
    test: tuple[np.ndarray, np.ndarray] | Scenes
    classes: tuple[str, ...]


def parse_idx(paths: Mapping[str, Path], *, classes: tuple[str, ...]) -> Parsed:
    """MNIST's four gzip files in the IDX format (yann.lecun.com/exdb/mnist, "file formats")."""

    def split(prefix: str) -> tuple[np.ndarray, np.ndarray]:
        images = read_idx(paths[f"{prefix}-images-idx3-ubyte.gz"])
        return images[:, None], read_idx(paths[f"{prefix}-labels-idx1-ubyte.gz"])

    return Parsed(split("train"), split("t10k"), classes)


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in a gzip IDX file (two zero bytes, type 8, number of axes, sizes, data)."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise UserError(f"{path} is not an IDX file of bytes: replace it with the published file.")
    axes = content[3]
    shape = np.frombuffer(content, ">u4", count=axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def parse_cifar(
    paths: Mapping[str, Path],
    *,
    folder: str,
    train: Sequence[str],
    test: Sequence[str],
    labels: str,
    meta: tuple[str, str],
) -> Parsed:
    """The "python version" of CIFAR-10 or CIFAR-100, read by an unpickler that accepts only arrays.

    Source: cs.toronto.edu/~kriz/cifar.html, "Dataset layout".

    Args:
        paths: the archive by name.
        folder: the folder in the archive.
        train: names of the batches of the training split.
        test: names of the batches of the test split.
        labels: key of the labels in a batch.
        meta: file and key of the class names.
    """
    (archive,) = paths.values()
    wanted = {f"{folder}/{name}" for name in (*train, *test, meta[0])}
    with tarfile.open(archive) as tar:
        content = {
            PurePosixPath(member.name).name: read_pickle(tar.extractfile(member).read(), archive)
            for member in tar
            if member.name in wanted and member.isfile()
        }

    def split(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        images = np.concatenate([content[name][b"data"] for name in names])
        numbers = np.concatenate([content[name][labels.encode()] for name in names])
        return images.reshape(-1, 3, 32, 32), numbers

    classes = tuple(name.decode() for name in content[meta[0]][meta[1].encode()])
    return Parsed(split(train), split(test), classes)


def read_pickle(content: bytes, source: Path) -> object:
    """Unpickle arrays, numbers, strings, lists and dictionaries; Python 2 strings become bytes.

    Args:
        content: the pickle.
        source: the file that it comes from, as messages name it.

    Raises:
        UserError: the pickle asks for anything else; none of it is executed.
    """
    return _ArrayUnpickler(content, source).load()


_ADMITTED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
}


class _ArrayUnpickler(pickle.Unpickler):
    def __init__(self, content: bytes, source: Path) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self.source = source

    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ADMITTED:
            raise UserError(
                f"{self.source} asks to load {module}.{name}, which is not an array: refused; "
                "replace the file with the published one."
            )
        return _ADMITTED[module, name]


def parse_svhn(paths: Mapping[str, Path]) -> Parsed:
    """SVHN's cropped digits (format 2); X is [H,W,C,N], and the digit 0 has the label 10."""

    from scipy.io import loadmat  # slow to import, needed here only

    def split(name: str) -> tuple[np.ndarray, np.ndarray]:
        content = loadmat(paths[name], variable_names=("X", "y"))
        return content["X"].transpose(3, 2, 0, 1), content["y"].ravel() % 10

    return Parsed(split("train_32x32.mat"), split("test_32x32.mat"), tuple("0123456789"))


def parse_tiny_imagenet(paths: Mapping[str, Path]) -> Parsed:
    """Tiny ImageNet, with the labelled validation images as the test split.

    Training images come class by class. Classes are numbered in the order of their sorted WordNet
    ids and named by the first synonym in words.txt. Grey JPEG files become RGB.
    """
    (archive,) = paths.values()
    with zipfile.ZipFile(archive) as content:
        wnids = sorted(_lines(content, "wnids.txt"))
        number = {wnid: index for index, wnid in enumerate(wnids)}
        names = dict(line.split("\t") for line in _lines(content, "words.txt"))
        training = sorted(
            (PurePosixPath(name).parts[2], name)
            for name in content.namelist()
            if PurePosixPath(name).match("tiny-imagenet-200/train/*/images/*.JPEG")
        )
        validation = [line.split("\t") for line in _lines(content, "val/val_annotations.txt")]
        train = _decode(content, [name for _, name in training], "training images")
        test = _decode(
            content,
            [f"tiny-imagenet-200/val/images/{name}" for name, *_ in validation],
            "test images",
        )
    return Parsed(
        (train, np.array([number[wnid] for wnid, _ in training])),
        (test, np.array([number[wnid] for _, wnid, *_ in validation])),
        tuple(names[wnid].split(",")[0] for wnid in wnids),
    )


def _lines(content: zipfile.ZipFile, name: str) -> list[str]:
    return content.read(f"tiny-imagenet-200/{name}").decode().splitlines()


def _decode(content: zipfile.ZipFile, names: Sequence[str], what: str) -> np.ndarray:
    from PIL import Image  # slow to import, needed here only

    images = np.empty((len(names), 64, 64, 3), np.uint8)
    for index, name in enumerate(tqdm(names, desc=what, unit="image", disable=None)):
        encoded = io.BytesIO(content.read(name))
        try:  # any other format is refused: Pillow starts other programs to read some of them
            with Image.open(encoded, formats=["JPEG"]) as image:
                if image.size != (64, 64):
                    raise ValueError(f"it has {image.size} pixels")
                images[index] = image.convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(
                f"{content.filename}: {name} is not a JPEG image of 64 x 64 pixels; replace the "
                "archive with the published file."
            ) from error
    return images.transpose(0, 3, 1, 2)
