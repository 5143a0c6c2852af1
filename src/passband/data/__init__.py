"""Image data sets: where they come from, and how they lie on disk and in memory.

>>> from pathlib import Path
>>> prepare("fashion-mnist-sample", Path("data/fashion-mnist-sample"))  # doctest: +SKIP
>>> load(Path("data/fashion-mnist-sample"), "test").images.shape  # doctest: +SKIP
torch.Size([2000, 1, 32, 32])
"""

from passband.data.download import MIRROR_VARIABLE
from passband.data.registry import DATASETS, Dataset, RemoteFile, get
from passband.data.storage import SPLITS, ImageSet, load, prepare

__all__ = [
    "DATASETS",
    "MIRROR_VARIABLE",
    "SPLITS",
    "Dataset",
    "ImageSet",
    "RemoteFile",
    "get",
    "load",
    "prepare",
]
