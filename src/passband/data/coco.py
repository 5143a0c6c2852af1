"""COCO's 2017 validation images and their bounding boxes (cocodataset.org/#format-data)."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from passband.data.detection import Scenes
from passband.data.parsers import Parsed
from passband.errors import UserError

SIDE = 640  # the longest side of an image
ANNOTATIONS = "annotations/instances_val2017.json"


def parse_coco(paths: Mapping[str, Path]) -> Parsed:
    """The images by increasing id, at their own sizes, and all their objects, crowds included.

    Classes keep COCO's category ids, 1 to 90, which published networks predict; ids that COCO does
    not use are named "N/A".

    Raises:
        UserError: an archive is damaged, lacks a file, or does not fit the other one.
    """
    images, annotations = (Path(path) for path in paths.values())
    described = _annotations(annotations)
    rows = sorted(described["images"], key=lambda row: row["id"])
    sizes = np.array([(row["height"], row["width"]) for row in rows], np.int64)
    if len(rows) == 0 or sizes.min() < 1 or sizes.max() > SIDE:
        raise _not_published(annotations, f"it lists no images of at most {SIDE} pixels")
    known = {category["id"]: category["name"] for category in described["categories"]}
    names = ["N/A"] * (1 + max(known))
    for number, name in known.items():
        names[number] = name

    place = {row["id"]: index for index, row in enumerate(rows)}
    objects = [one for one in described["annotations"] if one["image_id"] in place]
    if len(objects) < len(described["annotations"]):
        raise _not_published(annotations, "it has objects of images that it does not list")
    objects.sort(key=lambda one: (place[one["image_id"]], one["id"]))
    boxes = np.array([one["bbox"] for one in objects], np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]  # from width and height to the right and bottom edge
    counts = np.bincount([place[one["image_id"]] for one in objects], minlength=len(rows))
    scenes = Scenes(
        images=_decoded(images, [row["file_name"] for row in rows], sizes),
        sizes=sizes,
        boxes=boxes.astype(np.float32),
        classes=np.array([one["category_id"] for one in objects], np.int64),
        crowd=np.array([one["iscrowd"] for one in objects], np.uint8),
        offsets=np.concatenate([[0], counts.cumsum()]),
    )
    return Parsed(None, scenes, tuple(names))


def _annotations(archive: Path) -> dict:
    try:
        with zipfile.ZipFile(archive) as content:
            described = json.loads(content.read(ANNOTATIONS))
        return {key: described[key] for key in ("images", "annotations", "categories")}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise _not_published(archive, "it is damaged or cut off") from error
    except (KeyError, ValueError) as error:
        raise _not_published(archive, f"it has no readable {ANNOTATIONS}") from error


def _decoded(archive: Path, names: Sequence[str], sizes: np.ndarray) -> np.ndarray:
    """uint8 [N, 3, 640, 640]; each image in the upper left corner, on zeros."""
    from PIL import Image  # slow to import, needed here only

    images = np.zeros((len(names), 3, SIDE, SIDE), np.uint8)
    try:
        with zipfile.ZipFile(archive) as content:
            for index, name in enumerate(tqdm(names, desc="images", unit="image", disable=None)):
                height, width = sizes[index]
                encoded = io.BytesIO(content.read(f"val2017/{name}"))
                with Image.open(encoded, formats=["JPEG"]) as image:
                    if image.size != (width, height):
                        raise _not_published(archive, f"{name} is not {width} x {height} pixels")
                    pixels = np.asarray(image.convert("RGB"))
                images[index, :, :height, :width] = pixels.transpose(2, 0, 1)
    except KeyError as error:
        raise _not_published(archive, f"it has no val2017/{name}") from error
    except (zipfile.BadZipFile, EOFError, OSError, Image.DecompressionBombError) as error:
        raise _not_published(archive, "it is damaged or cut off") from error
    return images


def _not_published(archive: Path, reason: str) -> UserError:
    return UserError(f"{archive}: {reason}; replace it with the published file.")
