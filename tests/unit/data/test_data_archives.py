"""Each published format, from a server to prepared files."""

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from archives import (
    cifar10_archive,
    cifar100_archive,
    idx_archives,
    python2_pickle,
    random_images,
    svhn_archives,
    tar_gz,
    tiny_imagenet_archive,
)

from passband.data.download import sha256
from passband.data.parsers import read_pickle
from passband.data.preparation import prepare
from passband.data.registry import DATASETS
from passband.data.storage import load
from passband.errors import UserError


@pytest.mark.parametrize("dataset_id", ["mnist", "fashion-mnist"])
def test_idx_images_are_padded_with_zeros_to_32(publish, tmp_path, dataset_id):
    publish(dataset_id, idx_archives())
    prepare(dataset_id, tmp_path)
    train = load(tmp_path, "train")
    assert train.images.shape == (12, 1, 32, 32)
    assert (train.images[:, 0, 2:-2, 2:-2].numpy() == random_images(12, 28, 28)).all()
    outside = train.images.clone()
    outside[:, :, 2:-2, 2:-2] = 0
    assert not outside.any()
    assert train.labels.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert load(tmp_path, "test").labels.tolist() == [0, 1, 2, 3]


def test_cifar10_joins_the_five_batches_in_order(publish, tmp_path):
    publish("cifar10", {"cifar-10-python.tar.gz": cifar10_archive()})
    prepare("cifar10", tmp_path)
    train, test = (load(tmp_path, split) for split in ("train", "test"))
    expected = random_images(6, 3, 3072).reshape(6, 3, 3, 32, 32)
    assert (train.images.numpy() == expected[:5].reshape(15, 3, 32, 32)).all()
    assert (test.images.numpy() == expected[5]).all()
    assert train.labels.tolist() == [0, 1, 2, 1, 2, 3, 2, 3, 4, 3, 4, 5, 4, 5, 6]
    assert test.labels.tolist() == [5, 6, 7]
    assert train.classes[:2] == ("airplane", "automobile")


def test_cifar100_takes_the_fine_labels(publish, tmp_path):
    publish("cifar100", {"cifar-100-python.tar.gz": cifar100_archive()})
    prepare("cifar100", tmp_path)
    train, test = (load(tmp_path, split) for split in ("train", "test"))
    assert train.labels.tolist() == [99, 98, 97, 96, 95]
    assert test.labels.tolist() == [99, 98, 97]
    assert len(train.classes) == 100
    assert train.classes[99] == "class_99"
    assert (train.images.numpy().reshape(5, 3072) == random_images(5, 3072)).all()


def test_svhn_moves_the_axes_and_calls_ten_zero(publish, tmp_path):
    publish("svhn", svhn_archives())
    prepare("svhn", tmp_path)
    train = load(tmp_path, "train")
    assert (
        train.images.numpy() == np.moveaxis(random_images(32, 32, 3, 6), 3, 0).transpose(0, 3, 1, 2)
    ).all()
    assert train.labels.tolist() == [9, 0, 1, 2, 3, 4]


def test_tiny_imagenet_numbers_sorted_classes_and_tests_on_validation(publish, tmp_path):
    publish("tiny-imagenet", {"tiny-imagenet-200.zip": tiny_imagenet_archive()})
    prepare("tiny-imagenet", tmp_path)
    train, test = (load(tmp_path, split) for split in ("train", "test"))
    assert train.classes == ("goldfish", "Egyptian cat")
    assert train.images.shape == (3, 3, 64, 64)
    assert train.labels.tolist() == [0, 0, 1]
    assert test.labels.tolist() == [1, 0, 1]
    assert (train.images[0] == 100).all(), "a grey JPEG has three equal channels"
    assert [int(image[0, 0, 0]) for image in train.images] == pytest.approx([100, 150, 200], abs=3)
    assert [int(image[0, 0, 0]) for image in test.images] == pytest.approx([10, 20, 30], abs=3)


def test_no_archive_member_reaches_the_disk(publish, tmp_path):
    archive = tiny_imagenet_archive({"../../outside.JPEG": b"x", "/tmp/absolute.JPEG": b"x"})
    publish("tiny-imagenet", {"tiny-imagenet-200.zip": archive})
    prepare("tiny-imagenet", tmp_path / "a" / "b")
    written = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert written == [
        "dataset.json", "test.safetensors", "tiny-imagenet-200.zip", "train.safetensors",
    ]  # fmt: skip


class _Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.marker}",)


def test_a_malicious_pickle_is_refused_and_not_run(publish, tmp_path):
    marker = tmp_path / "was-run"
    members = {}
    with tarfile.open(fileobj=io.BytesIO(cifar10_archive())) as tar:
        for member in tar:
            members[member.name] = tar.extractfile(member).read()
    members["cifar-10-batches-py/data_batch_3"] = python2_pickle({b"data": _Malicious(marker)})
    publish("cifar10", {"cifar-10-python.tar.gz": tar_gz(members)})
    with pytest.raises(UserError, match=r"asks to load posix\.system, which is not an array"):
        prepare("cifar10", tmp_path / "data")
    assert not marker.exists()
    assert not (tmp_path / "data" / "train.safetensors").exists()


@pytest.mark.parametrize(
    "pickled",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\n_reconstruct.__globals__\n.",
        b"ccodecs\nopen\n.",
    ],
)
def test_the_unpickler_admits_arrays_only(pickled):
    with pytest.raises(UserError, match="refused"):
        read_pickle(pickled, Path("some.tar.gz"))


def test_preparing_twice_gives_the_same_bytes_and_downloads_once(publish, server, tmp_path):
    publish("svhn", svhn_archives())
    prepare("svhn", tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    prepare("svhn", tmp_path)
    assert first == {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert len(server.requests) == 2


def test_dataset_json_describes_the_files(publish, tmp_path):
    publish("mnist", idx_archives(train=12, test=4))
    prepare("mnist", tmp_path)
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert (described["id"], described["title"]) == ("mnist", "MNIST")
    assert described["classes"] == list("0123456789")
    assert described["source"] == {file.name: file.sha256 for file in DATASETS["mnist"].files}
    for split, images in (("train", 12), ("test", 4)):
        entry = described["splits"][split]
        assert entry["images"] == images
        assert entry["sha256"] == sha256(tmp_path / entry["file"])


def test_a_file_of_another_format_is_refused(publish, tmp_path):
    archives = idx_archives()
    archives["train-images-idx3-ubyte.gz"] = gzip.compress(b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0")
    publish("mnist", archives)
    with pytest.raises(UserError, match="is not an IDX file of bytes"):
        prepare("mnist", tmp_path)
