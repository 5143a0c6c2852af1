"""What was written is on the disk before it takes its place, wherever a file takes its place."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from passband import files
from passband.dependencies import PACKAGE
from passband.tensors import write_tensors

ROOT = PACKAGE.parents[1]
WRITERS = {
    "text": lambda path: files.write_text(path, "text"),
    "json": lambda path: files.write_json(path, {"a": 1}),
    "csv": lambda path: files.write_csv(path, [{"a": 1}]),
    "arrays": lambda path: files.write_arrays(path, {"a": np.zeros(9)}, {}),
    "tensors": lambda path: write_tensors(path, {"a": torch.zeros(9)}, {}),
}


@pytest.fixture
def events(monkeypatch):
    """What is flushed and renamed, in order; of a flushed file its size."""
    found = []
    flush, rename = os.fsync, os.replace

    def fsync(descriptor):
        status = os.fstat(descriptor)
        found.append("folder" if stat.S_ISDIR(status.st_mode) else status.st_size)
        flush(descriptor)

    def replace(source, target):
        found.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    return found


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_content_is_flushed_before_the_rename_and_the_folder_after_it(tmp_path, events, write):
    write(tmp_path / "file")
    assert events == [(tmp_path / "file").stat().st_size, "rename", "folder"]


def test_what_is_not_on_the_disk_does_not_take_the_place(tmp_path, monkeypatch):
    def failing(descriptor):
        raise OSError(28, "No space left on device")

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(files.UserError, match="the disk is full"):
        files.write_text(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_files_take_their_place_in_one_way():
    """No module renames or writes a file of its own accord."""
    direct = re.compile(r"\bos\.(replace|rename)\(|\.write_(text|bytes)\(|open\([^)]*\"w")
    allowed = {
        "files.py": 3,  # the one way
        "jobs.py": 2,  # a log, a mark
        "figures/render.py": 1,  # in a temporary folder
        "figures/save.py": 1,  # of the part that takes its place
    }
    found = {
        str(path.relative_to(PACKAGE)): count
        for path in PACKAGE.rglob("*.py")
        if (count := len(direct.findall(path.read_text(encoding="utf-8"))))
    }
    assert found == allowed
    for path in (ROOT / "workflow/scripts").glob("*.py"):
        assert not direct.search(path.read_text(encoding="utf-8")), path


@pytest.fixture
def disk(tmp_path):
    """A small ext4 disk in a file: its folder, and a function that mounts a copy of it, as it is
    now, at another folder."""
    image, mounted = tmp_path / "disk", []

    def mount(image: Path, name: str) -> Path:
        (folder := tmp_path / name).mkdir()
        subprocess.run(["mount", "-o", "loop", image, folder], check=True, capture_output=True)
        mounted.append(folder)
        return folder

    def copied() -> Path:
        return mount(shutil.copy(image, tmp_path / "copy"), "after")

    with image.open("wb") as file:
        file.truncate(32 << 20)
    try:
        subprocess.run(["mkfs.ext4", "-q", image], check=True, capture_output=True)
        folder = mount(image, "before")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody mount a disk of their own")
    yield folder, copied
    for folder in reversed(mounted):
        subprocess.run(["umount", folder], check=True)


def test_a_power_failure_leaves_whole_files(disk):
    """What the disk holds at the moment when a file has taken its place is all of it."""
    folder, copied = disk
    paths = []
    for name, write in WRITERS.items():
        paths.append(folder / "models/m/seed-0" / name)
        write(paths[-1])
    after = copied()
    for path in paths:
        assert (after / path.relative_to(folder)).read_bytes() == path.read_bytes()
