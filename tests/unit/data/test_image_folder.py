"""A user's own folder of images: classes, order, cropping, and what is refused."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from passband.data.preparation import prepare
from passband.data.storage import load
from passband.errors import UserError

COLOURS = {"hen": 40, "ibis": 140, "jay": 240}


def draw(path: Path, value: int, size: tuple[int, int] = (64, 64), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, 0, 0)).save(path)


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror folder with three classes, four training images and one test image of each."""
    for name, value in COLOURS.items():
        for number in range(4):
            draw(tmp_path / f"mirror/imagenet-subset/train/{name}/{number}.png", value + number)
        draw(tmp_path / f"mirror/imagenet-subset/val/{name}/{name}.png", value + 9)
    return tmp_path / "mirror"


@pytest.fixture
def own(mirror: Path) -> Path:
    return mirror / "imagenet-subset"


@pytest.fixture
def prepared(mirror: Path, tmp_path: Path) -> Callable:
    """Prepare the folder and load a split."""

    def prepared(split: str):
        prepare("imagenet-subset", tmp_path / "data", mirror)
        return load(tmp_path / "data", split)

    return prepared


def test_folders_are_classes_and_every_image_has_its_label(prepared):
    train, test = prepared("train"), prepared("test")
    assert train.classes == test.classes == ("hen", "ibis", "jay")
    assert train.images.shape == (12, 3, 64, 64) and test.images.shape == (3, 3, 64, 64)
    expected = {
        value + number: row for row, value in enumerate(COLOURS.values()) for number in range(4)
    }
    found = {int(image[0, 0, 0]): int(label) for image, label in zip(*train[:2], strict=True)}
    assert found == expected
    assert sorted(test.labels.tolist()) == [0, 1, 2]
    assert train.title == "ImageNet subset"


def test_classes_are_mixed_in_an_order_that_does_not_depend_on_the_machine(prepared):
    names = [f"{name}/{number}.png" for name in COLOURS for number in range(4)]
    names.sort(key=lambda name: sha256(name.encode()).hexdigest())
    expected = [list(COLOURS).index(name.split("/")[0]) for name in names]
    assert prepared("train").labels.tolist() == expected != sorted(expected)


def test_images_are_cropped_to_their_central_square_and_averaged(own, prepared):
    wide = np.zeros((128, 256, 3), np.uint8)
    wide[:, 64:192] = np.random.default_rng(0).integers(0, 256, (128, 128, 3))
    for path in (own / "train/hen").iterdir():
        path.unlink()
    Image.fromarray(wide).save(own / "train/hen/wide.PNG")
    train = prepared("train")
    (image,) = train.images[train.labels == 0]
    centre = wide[:, 64:192].reshape(64, 2, 64, 2, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(image.numpy().astype(float) - centre).max() <= 1


def test_grey_and_nested_jpeg_images_are_read_and_other_files_are_not(own, prepared):
    draw(own / "train/hen/more/grey.JPEG", 200, (100, 80), "L")
    (own / "train/hen/notes.txt").write_text("not an image", encoding="utf-8")
    train = prepared("train")
    assert len(train.labels) == 13
    assert any((image == 200).all() for image in train.images[train.labels == 0])


def test_another_folder_is_prepared_anew_and_the_same_one_is_not(own, prepared, tmp_path):
    prepared("train")
    about = tmp_path / "data/dataset.json"
    first = about.stat().st_mtime_ns
    prepared("train")
    assert about.stat().st_mtime_ns == first
    draw(own / "train/jay/another.png", 1)
    assert len(prepared("train").labels) == 13
    assert set(json.loads(about.read_text(encoding="utf-8"))["source"]) == {"images"}


def refused(prepared: Callable, *fragments: str) -> None:
    with pytest.raises(UserError) as raised:
        prepared("train")
    text = str(raised.value)
    assert "\n" not in text and text.endswith(".")
    for fragment in fragments:
        assert fragment in text, f"{fragment!r} is not in: {text}"


def test_without_a_folder_the_user_is_asked_for_one(tmp_path):
    (tmp_path / "mirror").mkdir()
    with pytest.raises(
        UserError, match=r"put your own images into train/<class>/.*imagenet-subset"
    ):
        prepare("imagenet-subset", tmp_path / "data", tmp_path / "mirror")


def test_a_folder_without_classes_is_refused(own, prepared):
    for folder in (own / "train").iterdir():
        for path in folder.iterdir():
            path.rename(own / "train" / f"{folder.name}-{path.name}")
        folder.rmdir()
    refused(prepared, "train has no folders of classes", "put the images of each class into")


def test_a_missing_split_is_refused(own, prepared):
    (own / "val").rename(own / "validation")
    refused(prepared, "has no folder test or val", "test/<class>/")


def test_a_class_without_images_is_refused(own, prepared):
    (own / "train/kite").mkdir()
    refused(prepared, "kite has no JPEG or PNG image")


def test_a_test_class_without_training_images_is_refused(own, prepared):
    draw(own / "val/kite/0.png", 3)
    refused(prepared, "test images of the class kite, but no training images")


def test_a_single_class_is_refused(own, prepared):
    for name in ("hen", "jay"):
        (own / f"train/{name}").rename(own / name)
        (own / f"val/{name}").rename(own / f"other-{name}")
    refused(prepared, "has the class ibis only")


@pytest.mark.parametrize("content", [b"", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_image_is_refused(own, prepared, content):
    (own / "train/hen/5.png").write_bytes(content)
    refused(prepared, "hen/5.png is not a JPEG or PNG image that can be read")
