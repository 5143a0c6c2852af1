"""What `load` refuses, and the registry."""

import numpy as np
import pytest
import torch

from passband.data.registry import DATASETS, get
from passband.data.storage import load
from passband.errors import UserError
from passband.files import write_arrays

IMAGES = np.zeros((4, 1, 32, 32), np.uint8)
LABELS = np.array([0, 1, 1, 0])


def write(folder, images=IMAGES, labels=LABELS):
    described = {"id": "pair", "title": "Pair", "classes": ["no", "yes"]}
    write_arrays(
        folder / "test.safetensors", {"images": images, "labels": labels}, {"dataset": described}
    )


def test_load_gives_torch_tensors_and_names(tmp_path):
    write(tmp_path)
    images, labels, classes, title = load(tmp_path, "test")
    assert (images.dtype, labels.dtype) == (torch.uint8, torch.int64)
    assert images.shape == (4, 1, 32, 32)
    assert labels.tolist() == [0, 1, 1, 0]
    assert (classes, title) == (("no", "yes"), "Pair")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": IMAGES.astype(np.float32)}, "images of type float32"),
        ({"images": IMAGES[:, 0]}, "3 axes"),
        ({"labels": LABELS.astype(np.int32)}, "labels int32"),
        ({"labels": LABELS[:3]}, r"labels int64 \[3\]"),
        ({"labels": LABELS + 1}, "labels 1 to 2, but 2 classes"),
        ({"labels": LABELS - 1}, "labels -1 to 0"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "no image"),
    ],
)
def test_load_refuses_wrong_content(tmp_path, changed, message):
    write(tmp_path, **changed)
    with pytest.raises(UserError, match=message):
        load(tmp_path, "test")


def test_load_refuses_a_missing_or_truncated_file(tmp_path):
    with pytest.raises(
        UserError, match=r"test\.safetensors does not exist: prepare the data set first"
    ):
        load(tmp_path, "test")
    write(tmp_path)
    path = tmp_path / "test.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"test\.safetensors is damaged .* remove it and run again"):
        load(tmp_path, "test")


def test_an_unknown_dataset_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="unknown dataset 'cifar-10': did you mean 'cifar10'"):
        get("cifar-10")


def test_every_registered_file_has_a_whole_checksum():
    for dataset in DATASETS.values():
        assert get(dataset.id) is dataset
        for file in dataset.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.urls or dataset.embedded
