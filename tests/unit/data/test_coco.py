"""COCO's archives, made tiny: read as published, and refused in one sentence when they are not."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from passband.data.preparation import prepare
from passband.data.storage import load
from passband.errors import UserError

SIZES = {9: (30, 20), 4: (16, 24), 7: (640, 8)}  # id of an image: width and height
OBJECTS = [  # id, image, category, left, top, width, height, crowd
    (5, 9, 90, 1.5, 2.25, 10, 5, 0),
    (3, 9, 1, 0, 0, 30, 20, 1),
    (8, 4, 3, 4, 4, 12, 20, 0),
]


def zipped(members: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return output.getvalue()


def pictures() -> dict[str, bytes]:
    """A JPEG file per image; one of them is grey."""
    found = {}
    for number, (width, height) in SIZES.items():
        mode = "L" if number == 4 else "RGB"
        image = Image.new(mode, (width, height), 100 if mode == "L" else (200, 100, 50))
        output = io.BytesIO()
        image.save(output, "JPEG", quality=95)
        found[f"val2017/{number:012}.jpg"] = output.getvalue()
    return found


def annotations(**changes: object) -> dict:
    return {
        "info": {},
        "images": [
            {"id": number, "file_name": f"{number:012}.jpg", "width": width, "height": height}
            for number, (width, height) in SIZES.items()
        ],
        "annotations": [
            {"id": id, "image_id": image, "category_id": kind, "bbox": box, "iscrowd": crowd}
            for id, image, kind, *box, crowd in OBJECTS
        ],
        "categories": [
            {"id": 1, "name": "person"},
            {"id": 3, "name": "car"},
            {"id": 90, "name": "toothbrush"},
        ],
    } | changes


def archives(images: dict | None = None, told: dict | None = None) -> dict[str, bytes]:
    text = json.dumps(told or annotations()).encode()
    members = {"annotations/instances_val2017.json": text, "annotations/captions.json": b"{}"}
    return {
        "val2017.zip": zipped(images or pictures()),
        "annotations_trainval2017.zip": zipped(members),
    }


def test_images_and_objects_are_read_as_published(publish, tmp_path):
    publish("coco-val2017", archives())
    prepare("coco-val2017", tmp_path)
    found = load(tmp_path, "test")
    assert not (tmp_path / "train.safetensors").exists()
    assert found.sizes.tolist() == [[24, 16], [8, 640], [20, 30]], "in the order of the ids"
    assert found.images.shape == (3, 3, 640, 640)
    grey, wide, tall = found.images
    assert np.abs(grey[:, :24, :16].int().numpy() - 100).max() <= 3
    assert not grey[:, 24:].any() and not grey[:, :, 16:].any()
    means = [wide[channel, :8].float().mean() for channel in range(3)]
    assert means == pytest.approx([200, 100, 50], abs=3)
    assert not tall[:, 20:].any()
    assert found.labels[0, 0].tolist() == [4, 4, 16, 24, 3, 0]
    assert found.labels[1, :, 4].tolist() == [-1, -1]
    assert found.labels[2].tolist() == [[0, 0, 30, 20, 1, 1], [1.5, 2.25, 11.5, 7.25, 90, 0]]
    assert len(found.classes) == 91
    assert [found.classes[i] for i in (0, 1, 2, 90)] == ["N/A", "person", "N/A", "toothbrush"]


def assert_refused(tmp_path, *fragments: str) -> None:
    with pytest.raises(UserError) as raised:
        prepare("coco-val2017", tmp_path / "data")
    text = str(raised.value)
    assert "\n" not in text and text.endswith("."), text
    for fragment in fragments:
        assert fragment in text, text


@pytest.mark.parametrize("name", ["val2017.zip", "annotations_trainval2017.zip"])
def test_truncated_downloads_are_refused(publish, server, tmp_path, name):
    publish("coco-val2017", archives())
    server.content[name] = server.content[name][:-40]
    assert_refused(tmp_path, f"cannot get {name} of COCO", "truncated or changed", "mirror folder")


def test_a_truncated_file_in_a_mirror_folder_is_passed_over(publish, server, tmp_path, monkeypatch):
    publish("coco-val2017", archives())
    (tmp_path / "val2017.zip").write_bytes(archives()["val2017.zip"][:100])
    monkeypatch.setenv("PASSBAND_DATA_MIRROR", str(tmp_path))
    server.content.clear()
    assert_refused(tmp_path, "cannot get val2017.zip of COCO", "passed over", "SHA-256")


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        (lambda: archives() | {"val2017.zip": archives()["val2017.zip"][:-60]}, "cut off"),
        (
            lambda: archives() | {"annotations_trainval2017.zip": b"PK no archive"},
            "annotations_trainval2017.zip: it is damaged or cut off",
        ),
        (
            lambda: archives(dict(list(pictures().items())[1:])),
            "it has no val2017/000000000009.jpg",
        ),
        (
            lambda: archives(pictures() | {"val2017/000000000007.jpg": b"\xff\xd8 no image"}),
            "damaged",
        ),
        (
            lambda: archives({name: pictures()["val2017/000000000009.jpg"] for name in pictures()}),
            "000000000004.jpg is not 16 x 24 pixels",
        ),
        (lambda: archives(told={"images": []}), "no readable annotations/instances_val2017.json"),
        (lambda: archives(told=annotations(images=[])), "no images of at most 640 pixels"),
        (
            lambda: archives(told=annotations(images=annotations()["images"][:1])),
            "objects of images that it does not list",
        ),
    ],
)
def test_archives_with_other_content_are_refused(publish, tmp_path, change, fragment):
    publish("coco-val2017", change())
    assert_refused(tmp_path, fragment, "replace it with the published file")
