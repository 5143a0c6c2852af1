"""Detection data sets on disk: what is written is read, and what does not fit is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from archives import idx_archives

from passband.data.detection import Scenes, check_scenes
from passband.data.preparation import is_complete, prepare
from passband.data.registry import DATASETS
from passband.data.scenes import compose
from passband.data.storage import load
from passband.errors import Damaged
from passband.files import write_arrays

NAMES = ("cat", "dog")


def scenes(**changes: np.ndarray) -> Scenes:
    """Three images of at most 8 x 8 pixels with two, no and one object."""
    given = {
        "images": np.arange(3 * 64, dtype=np.uint8).reshape(3, 1, 8, 8),
        "sizes": np.array([[8, 8], [4, 8], [6, 6]]),
        "boxes": np.array([[0, 0, 3, 4], [2.5, 1, 8, 8], [1, 1, 5, 6]], np.float32),
        "classes": np.array([1, 0, 1]),
        "crowd": np.array([0, 1, 0], np.uint8),
        "offsets": np.array([0, 2, 2, 3]),
    }
    return Scenes(**(given | changes))


def test_a_split_is_read_as_it_was_written(tmp_path):
    told = {"id": "pets", "title": "Pets", "classes": NAMES}
    write_arrays(tmp_path / "test.safetensors", scenes()._asdict(), {"dataset": told})
    found = load(tmp_path, "test")
    assert found.task == "detection" and found.title == "Pets" and found.classes == NAMES
    assert torch.equal(found.images, torch.from_numpy(scenes().images))
    assert found.sizes.tolist() == [[8, 8], [4, 8], [6, 6]]
    none = [0, 0, 0, 0, -1, 0]
    assert found.labels.tolist() == [
        [[0, 0, 3, 4, 1, 0], [2.5, 1, 8, 8, 0, 1]],
        [none, none],
        [[1, 1, 5, 6, 1, 0], none],
    ]
    last = found.take(slice(2, None))
    assert last.labels.shape == (1, 2, 6) and last.sizes.tolist() == [[6, 6]]
    assert torch.equal(found.take(torch.tensor([2])).images, last.images)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"images": np.zeros((3, 1, 8, 8), np.float32)}, "float32"),
        ({"sizes": np.array([[8, 8], [4, 9], [6, 6]])}, "sizes"),
        ({"offsets": np.array([0, 2, 1, 3])}, "offsets"),
        ({"offsets": np.array([0, 2, 2, 2])}, "3 boxes"),
        ({"crowd": np.zeros(2, np.uint8)}, "3 boxes"),
        ({"classes": np.array([1, 0, 2])}, "classes 0 to 2, but 2 names"),
        ({"boxes": np.array([[0, 0, 3, 4], [5, 1, 3, 8], [1, 1, 5, 6]])}, "boxes outside"),
        ({"boxes": np.array([[0, 0, 3, 4], [2, 1, 8, 8], [1, 1, 8, 6]])}, "boxes outside"),
        ({"boxes": np.array([[0, 0, 3, 4], [2, np.nan, 8, 8], [1, 1, 5, 6]])}, "boxes outside"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes, reason):
    check_scenes(scenes(), NAMES, tmp_path)
    with pytest.raises(Damaged) as raised:
        check_scenes(scenes(**changes), NAMES, tmp_path)
    assert reason in str(raised.value) and "\n" not in str(raised.value)


def test_scenes_are_prepared_from_the_files_of_their_garments(publish, tmp_path, monkeypatch):
    """A mirror folder holds them under the name of that data set."""
    archives = idx_archives()
    publish("fashion-mnist", archives)
    changed = replace(DATASETS["fashion-scenes"], files=DATASETS["fashion-mnist"].files)
    monkeypatch.setitem(DATASETS, "fashion-scenes", changed)
    monkeypatch.setattr(
        "passband.data.scenes.compose",
        lambda images, labels, count, split: compose(images, labels, count // 1000, split),
    )
    mirror = tmp_path / "mirror" / "fashion-mnist"
    mirror.mkdir(parents=True)
    for name, content in archives.items():
        (mirror / name).write_bytes(content)
    prepare("fashion-scenes", tmp_path / "data", mirror.parent)
    train, test = (load(tmp_path / "data", split) for split in ("train", "test"))
    assert len(train.images) == 10 and len(test.images) == 2
    assert train.classes == DATASETS["fashion-mnist"].parse.keywords["classes"]
    assert is_complete(changed, tmp_path / "data")
