"""What a user meets when a notebook fails, a folder cannot be written or the disk is full."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCALE = ("--cores", "1", "--configfile", "config/scales/smoke.yaml")
MODEL = "fashion-mnist-sample_resnet8_w8_sar-natural"

# $1 is a folder, the rest a command
READ_ONLY_DISK = 'mount -t tmpfs -o ro tmpfs "$1" && shift && exec "$@"'
FULL_DISK = """
disk=$1
shift
mount -t tmpfs -o size=150k tmpfs "$disk" && ! "$@" &&
mount -o remount,size=50m "$disk" && exec "$@"
"""


def test_a_failing_notebook_fails_the_run(project, snakemake, changed, overlay, tmp_path):
    results = tmp_path / "results/smoke"
    arguments = (*SCALE, overlay({"results_root": str(tmp_path / "results")}))
    template = project / "reports/notebooks/filters.py"
    outputs = [results / f"figures/sar.fig1.{ending}" for ending in ("svg", "pdf", "png")]
    outputs.append(results / "notebooks/sar.fig1.ipynb")
    failed = results / "notebooks/sar.fig1.failed.ipynb"

    with changed(template, "\n# %%\nraise RuntimeError('the ink ran out')\n"):
        done = snakemake("sar.fig1", *arguments, cwd=project)
        planned = snakemake("sar.fig1", *arguments, "--dry-run", cwd=project)
    assert done.returncode == 1
    for shown in ("RuntimeError", "the ink ran out", "filters.py", str(failed)):
        assert shown in done.stdout, done.stdout
    assert f"kept in {results}/logs. Finished work is kept: run the same command" in done.stdout
    assert "the ink ran out" in (results / "logs/artifacts/sar.fig1.log").read_text()
    assert not any(path.exists() for path in outputs), "a failed notebook left results"
    assert "the ink ran out" in json.dumps(json.loads(failed.read_text())["cells"][-1])
    assert "Drawing sar.fig1" in planned.stdout

    done = snakemake("sar.fig1", *arguments, cwd=project)
    assert done.returncode == 0, done.stdout[-4000:]
    assert all(path.exists() for path in outputs) and not failed.exists()


def test_results_below_a_file(project, snakemake, overlay, tmp_path):
    (tmp_path / "file").write_text("in the way")
    place = tmp_path / "file/results"
    done = snakemake(*SCALE, overlay({"results_root": str(place)}), cwd=project)
    assert done.returncode == 1
    assert done.stdout.count(f"results_root is {place}, but {tmp_path}/file is a file") == 1
    assert "Traceback" not in done.stdout
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.fixture(scope="module")
def mounted(project):
    """Run Snakemake after a shell script that may mount file systems for its own processes."""
    start = ["unshare", "--user", "--map-root-user", "--mount"]
    trial = [*start, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    if not shutil.which("unshare") or subprocess.run(trial, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk of their own")

    def run(script: str, disk: Path, *arguments: object) -> subprocess.CompletedProcess:
        disk.mkdir()
        call = [sys.executable, "-m", "snakemake", *map(str, arguments)]
        return subprocess.run(
            [*start, "sh", "-c", script, "sh", str(disk), *call],
            cwd=project,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


def test_a_read_only_disk(mounted, overlay, tmp_path):
    disk = tmp_path / "disk"
    done = mounted(READ_ONLY_DISK, disk, *SCALE, overlay({"results_root": str(disk)}))
    assert done.returncode == 1
    assert done.stdout.count(f"cannot write to {disk}/smoke (Read-only file system)") == 1
    assert "Traceback" not in done.stdout and "Finished jobid" not in done.stdout


def test_a_full_disk_that_gets_room_again(mounted, overlay, tmp_path):
    disk = tmp_path / "disk"
    configs = [*SCALE, overlay({"results_root": str(disk), "train_images": 100})]
    target = f"{disk}/smoke/models/{MODEL}/seed-0/weights.safetensors"
    done = mounted(FULL_DISK, disk, target, *configs)
    assert done.returncode == 0, done.stdout
    full, _, roomy = done.stdout.rpartition("SNAKEMAKE")
    assert full.count("Error: the disk is full") == 1, full
    assert "Traceback" not in full
    assert "Done." in roomy
