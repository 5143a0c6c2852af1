"""Make the embedded sample of Fashion-MNIST: the first images of each class, in their order.

    python scripts/make_sample.py [folder] [mirror]

The default folder is the package's own. Prints the SHA-256 of each file's unpacked content,
which `passband.data.registry` must name.
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

from passband.data.download import fetch
from passband.data.parsers import read_idx
from passband.data.preparation import alone
from passband.data.registry import EMBEDDED_SAMPLE, get
from passband.files import replacing

PER_CLASS = {"train": 1_000, "t10k": 200}
DOWNLOADS = Path("data/fashion-mnist/raw")


def make_sample(folder: Path, mirror: Path | None = None) -> dict[str, str]:
    """Write the sample's four gzip IDX files; return the SHA-256 of their unpacked contents."""
    dataset = get("fashion-mnist")
    with alone(DOWNLOADS.parent):
        paths = {file.name: fetch(dataset, file, DOWNLOADS, mirror) for file in dataset.files}
    checksums = {}
    for prefix, count in PER_CLASS.items():
        names = f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"
        images, labels = (read_idx(paths[name]) for name in names)
        kept = first_of_each_class(labels, count)
        for name, array in zip(names, (images[kept], labels[kept]), strict=True):
            content = idx_bytes(array)
            with replacing(folder / name) as part:
                part.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
            checksums[name] = hashlib.sha256(content).hexdigest()
    return checksums


def first_of_each_class(labels: np.ndarray, count: int) -> np.ndarray:
    """The ascending indices of the first `count` labels of each value."""
    kept = [np.flatnonzero(labels == value)[:count] for value in np.unique(labels)]
    return np.sort(np.concatenate(kept))


def idx_bytes(array: np.ndarray) -> bytes:
    """A uint8 array in the IDX format."""
    sizes = np.array(array.shape, ">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


if __name__ == "__main__":
    arguments = [Path(argument) for argument in sys.argv[1:]] or [EMBEDDED_SAMPLE]
    for file_name, checksum in make_sample(*arguments).items():
        print(checksum, file_name)
