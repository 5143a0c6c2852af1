"""Corrupted images of a split: from a published archive, or generated, in one file."""

import hashlib
import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from passband.data import published_corruptions
from passband.data.corrupted import GENERATED, PROCEDURAL
from passband.data.corrupting import corrupt
from passband.data.corruptions import corrupted
from passband.data.mirrors import FROST_PICTURES, MIRROR_VARIABLE, frost_folder
from passband.data.registry import RemoteFile
from passband.data.storage import load_corrupted
from passband.errors import UserError
from passband.files import write_arrays

COUNT = 4  # test images
LABELS = np.array([3, 1, 4, 1])


@pytest.fixture
def split(tmp_path) -> Path:
    """A test split of four images."""
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8)
    described = {"id": "any", "title": "Any", "classes": list("abcde")}
    path = tmp_path / "prepared" / "test.safetensors"
    write_arrays(path, {"images": images, "labels": LABELS}, {"dataset": described})
    return path


def archive(**arrays: np.ndarray) -> bytes:
    """CIFAR-10-C with these arrays."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            member = tarfile.TarInfo(f"CIFAR-10-C/{name}.npy")
            member.size = len(content.getvalue())
            content.seek(0)
            tar.addfile(member, content)
    return file.getvalue()


@pytest.fixture
def publish(server, monkeypatch):
    """Serve an archive as that of CIFAR-10-C."""

    def publish(content: bytes) -> None:
        server.content["CIFAR-10-C.tar"] = content
        file = RemoteFile(
            "CIFAR-10-C.tar", (server.base + "CIFAR-10-C.tar",), hashlib.sha256(content).hexdigest()
        )
        known = published_corruptions.ARCHIVES["cifar10"]
        monkeypatch.setitem(published_corruptions.ARCHIVES, "cifar10", replace(known, file=file))

    return publish


def job(split: Path, dataset: str, tmp_path: Path, **change: object) -> Path:
    arguments = {
        "corruptions": ["fog", "frost"],
        "severities": [2, 5],
        "images": 3,
        "downloads": tmp_path / "data",
    } | change
    corrupt(data_file=split, dataset=dataset, output=tmp_path / "corrupted", **arguments)
    return tmp_path / "corrupted"


def test_images_without_an_archive_are_generated(split, tmp_path, capsys):
    found = load_corrupted(job(split, "fashion-mnist", tmp_path))
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8)
    for name, severity in (("fog", 2), ("fog", 5), ("frost", 5)):
        np.testing.assert_array_equal(
            found.of(name, severity), corrupted(images, name, severity)[:3]
        )
    assert (found.source("fog"), found.source("frost")) == (GENERATED, PROCEDURAL)
    assert "no mirror folder has the pictures of frost" in capsys.readouterr().out


def test_pictures_of_frost_come_from_a_mirror(split, tmp_path, monkeypatch):
    from PIL import Image

    folder = tmp_path / "mirror" / "frost"
    folder.mkdir(parents=True)
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    for name in FROST_PICTURES[:-1]:
        Image.fromarray(np.full((200, 200, 3), 255, np.uint8)).save(folder / name)
    incomplete = load_corrupted(job(split, "fashion-mnist", tmp_path))
    assert incomplete.source("frost") == PROCEDURAL
    Image.fromarray(np.full((200, 200, 3), 255, np.uint8)).save(folder / FROST_PICTURES[-1])
    found = load_corrupted(job(split, "fashion-mnist", tmp_path))
    assert found.source("frost") == GENERATED
    assert found.of("frost", 5).min() >= 114  # 0.45 * 255
    (tmp_path / "other" / "frost").mkdir(parents=True)  # a mirror before it, without pictures
    assert frost_folder(tmp_path / "other") == folder


def test_the_archive_is_read_severity_by_severity(split, tmp_path, publish):
    rng = np.random.default_rng(1)
    fog, frost = rng.integers(0, 256, (2, 5 * COUNT, 32, 32, 3), dtype=np.uint8)
    publish(archive(fog=fog, frost=frost, labels=np.tile(LABELS, 5).astype(np.uint8)))
    found = load_corrupted(job(split, "cifar10", tmp_path))
    np.testing.assert_array_equal(found.of("fog", 2), fog[COUNT : COUNT + 3].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(
        found.of("frost", 5), frost[4 * COUNT : 4 * COUNT + 3].transpose(0, 3, 1, 2)
    )
    assert found.source("frost") == "CIFAR-10-C"
    assert (tmp_path / "data/cifar-10-c/raw/CIFAR-10-C.tar").is_file()


def test_training_images_of_a_data_set_with_an_archive_are_generated(split, tmp_path):
    training = split.with_name("train.safetensors")
    split.rename(training)
    assert load_corrupted(job(training, "cifar10", tmp_path)).source("fog") == GENERATED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"fog": np.zeros((5 * COUNT - 1, 32, 32, 3), np.uint8)},
            "fog.npy has 19 rows, expected 20",
        ),
        ({"labels": np.tile(LABELS[::-1], 5)}, "its labels are not those of the test images"),
        ({"labels": LABELS}, "labels.npy has 4 rows, expected 20"),
        ({"fog": None}, "has no CIFAR-10-C/fog.npy"),
    ],
    ids=["length", "labels", "one severity", "no array"],
)
def test_an_archive_that_does_not_fit_is_refused(split, tmp_path, publish, change, reason):
    whole = {
        "fog": np.zeros((5 * COUNT, 32, 32, 3), np.uint8),
        "labels": np.tile(LABELS, 5),
    }
    publish(archive(**{name: one for name, one in (whole | change).items() if one is not None}))
    with pytest.raises(UserError, match=rf"CIFAR-10-C\.tar.*{reason}.*replace"):
        job(split, "cifar10", tmp_path, corruptions=["fog"])


def test_another_file_of_that_name_is_passed_over(split, tmp_path, publish, monkeypatch):
    publish(archive(fog=np.zeros((5 * COUNT, 32, 32, 3), np.uint8), labels=np.tile(LABELS, 5)))
    mirror = tmp_path / "mirror" / "cifar-10-c"
    mirror.mkdir(parents=True)
    (mirror / "CIFAR-10-C.tar").write_bytes(b"truncated")
    monkeypatch.setenv(MIRROR_VARIABLE, str(mirror.parent))
    found = load_corrupted(job(split, "cifar10", tmp_path, corruptions=["fog"]))
    assert found.source("fog") == "CIFAR-10-C"
