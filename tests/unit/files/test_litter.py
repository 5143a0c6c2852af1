"""What killed processes left behind goes; what living ones use stays."""

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from passband.files import replacing
from passband.litter import NOTEBOOK, remove_accepted, remove_litter

WRITER = """
import sys, time
from passband.files import replacing
with replacing(sys.argv[1]) as part:
    part.write_text("half")
    print("written", flush=True)
    time.sleep(600)
"""
NOTEBOOK_RUNS = """
import sys, time
from pathlib import Path
from tempfile import TemporaryDirectory
from passband.litter import NOTEBOOK, in_use
with TemporaryDirectory(prefix=NOTEBOOK) as folder, in_use(Path(folder)):
    (Path(folder) / "kernels").mkdir()
    print("written", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def places(tmp_path, temporary, monkeypatch):
    """Folders of results, of data sets and for temporary files."""
    found = [tmp_path / "results", tmp_path / "data", temporary]
    for place in found[:2]:
        place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    return found


def start(program, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "written\n"
    return process


@pytest.mark.parametrize("place", ["results/models/m/weights", "data/sample/train"])
def test_a_part_goes_with_its_process(tmp_path, places, place):
    results, data, _ = places
    process = start(WRITER, tmp_path / place)
    remove_litter(results, data)
    (part,) = (tmp_path / place).parent.iterdir()
    assert part.name == f".{part.name.split('.')[1]}.{process.pid}.part"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert part.exists()
    remove_litter(results, data)
    assert not list((tmp_path / place).parent.iterdir())


def test_a_notebooks_folder_goes_with_its_process(places):
    results, data, temporary = places
    process = start(NOTEBOOK_RUNS)
    (folder,) = temporary.iterdir()
    assert folder.name.startswith(NOTEBOOK)
    remove_litter(results, data)
    assert (folder / "kernels").exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    remove_litter(results, data)
    assert not folder.exists()


def test_parts_of_processes_that_run_stay(places):
    """Whether or not they hold a lock, as on a disk without locks."""
    results, data, _ = places
    part = results / f".a.{os.getpid()}.part"
    part.touch()
    remove_litter(results, data)
    assert part.exists()
    with replacing(results / "b") as part:
        part.write_text("text")
        remove_litter(results, data)
    assert (results / "b").read_text() == "text"


def test_nothing_else_goes(places):
    results, data, temporary = places
    kept = [
        results / "figure.svg",
        results / "a.part",
        data / "sample/raw/archive.zip.part",  # a download that the next one continues
        temporary / "notebook",
    ]
    for path in kept:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    remove_litter(results, data)
    assert all(path.exists() for path in kept)


def test_folders_that_are_missing_are_no_problem(tmp_path):
    remove_litter(tmp_path / "none", tmp_path / "nothing")
    remove_accepted(tmp_path / "none")


# ---- checkpoints


@pytest.mark.parametrize(
    ("checkpoint", "result"),
    [
        ("checkpoints/m/seed-0.safetensors", "models/m/seed-0/run.json"),
        ("checkpoints/m/seed-0.safetensors.damaged", "models/m/seed-0/run.json"),
        (
            "checkpoints/shared-prefix-m/seed-0.safetensors",
            "shared_prefixes/m/seed-0.safetensors",
        ),
    ],
)
def test_checkpoints_go_when_the_results_are_accepted(tmp_path, checkpoint, result):
    checkpoint, result = tmp_path / checkpoint, tmp_path / result
    for path in (checkpoint, result):
        path.parent.mkdir(parents=True)
        path.touch()
    other_seed = checkpoint.with_name(checkpoint.name.replace("seed-0", "seed-1"))
    other_seed.touch()
    os.utime(checkpoint, (200, 200))
    os.utime(result, (100, 100))  # as a training leaves them
    remove_accepted(tmp_path)
    assert checkpoint.exists()
    os.utime(result, (300, 300))  # as Snakemake leaves them
    remove_accepted(tmp_path)
    assert not checkpoint.exists()
    assert other_seed.exists(), "a training that goes on has no result"
    other_seed.unlink()
    checkpoint.touch()
    os.utime(checkpoint, (200, 200))
    remove_accepted(tmp_path)
    assert not checkpoint.parent.exists()
