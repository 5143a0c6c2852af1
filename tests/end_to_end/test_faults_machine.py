"""What a user meets when the machine lacks something: a GPU, room, permission, an encoding."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCALE = ("--cores", "1", "--configfile", "config/scales/smoke.yaml")
DRAWN = ("figures/sar.fig1.svg", "figures/sar.fig1.pdf", "figures/sar.fig1.png")


def one_sentence(done: subprocess.CompletedProcess, *fragments: str) -> None:
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    for fragment in fragments:
        assert done.stdout.count(fragment) == 1, done.stdout


def test_an_nvidia_smi_that_fails_is_not_believed(project, snakemake, overlay, tmp_path):
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100'\nexit 9\n")
    program.chmod(0o755)
    changes = {
        "results_root": str(tmp_path / "results"),
        "train_images": 100,
        "recipes": {"*": {"epochs": 2, "schedule": {"milestones": [1]}}},
    }
    model = "fashion-mnist-sample_resnet8_w8_sar-natural"
    weights = tmp_path / f"results/smoke/models/{model}/seed-0/weights.safetensors"
    path = f"{program.parent}:{os.environ['PATH']}"
    done = snakemake(weights, *SCALE, overlay(changes), cwd=project, PATH=path)
    assert done.returncode == 0, done.stdout[-4000:]
    sentence = "No GPU is assumed: nvidia-smi exits with 9 (GPU 0: NVIDIA H100)."
    assert done.stdout.count(sentence) == 1


# ---- folders


@pytest.fixture(scope="module")
def permitted():
    """Run Snakemake without the right to write where permissions forbid it, as root may."""
    start = []
    if os.geteuid() == 0:
        rights = "-dac_override,-dac_read_search"
        start = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]
        if not shutil.which("setpriv") or subprocess.run([*start, "true"]).returncode:
            pytest.skip("root cannot give up its rights here")

    def run(*arguments: object, cwd: Path, **settings: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*start, sys.executable, "-m", "snakemake", *map(str, arguments)],
            cwd=cwd,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return run


@pytest.fixture
def read_only(copy_project, tmp_path):
    """A copy of the project in which nothing can be made."""
    folder = copy_project(tmp_path / "project")
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)


def test_a_project_of_another_user(permitted, read_only, overlay, tmp_path):
    own = overlay({name: str(tmp_path / name) for name in ("results_root", "data_root")})
    done = permitted("sar.fig1", *SCALE, own, cwd=read_only)
    one_sentence(done, f"permission denied: cannot write to {read_only}/.snakemake", "--directory")
    done = permitted("sar.fig1", *SCALE, own, "--directory", tmp_path / "here", cwd=read_only)
    assert done.returncode == 0, done.stdout[-4000:]
    assert all((tmp_path / "results_root/smoke" / name).exists() for name in DRAWN)


def test_a_home_that_cannot_be_written_has_a_way_out(permitted, project, overlay, tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o555)
    own = overlay({"results_root": str(tmp_path / "results")})
    settings = {"HOME": str(home), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = permitted("sar.fig1", *SCALE, own, cwd=project, **settings)
    assert done.returncode == 0, done.stdout[-4000:]
    assert all((tmp_path / "results/smoke" / name).exists() for name in DRAWN)


FULL = 'mount -t tmpfs -o size=32k tmpfs "$1" && head -c 99999 /dev/zero 2>&- > "$1/all"; '


@pytest.mark.parametrize(
    ("place", "way_out"),
    [("TMPDIR", "set TMPDIR to another folder"), ("--directory", "--directory")],
)
def test_a_folder_without_a_byte_left(project, overlay, tmp_path, place, way_out):
    disk = tmp_path / "disk"
    disk.mkdir()
    start = ["unshare", "--user", "--map-root-user", "--mount"]
    trial = [*start, "mount", "-t", "tmpfs", "tmpfs", disk]
    if not shutil.which("unshare") or subprocess.run(trial, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk of their own")
    own = overlay({name: str(tmp_path / name) for name in ("results_root", "data_root")})
    call = [sys.executable, "-m", "snakemake", "sar.fig1", *SCALE, own]
    settings = {"TMPDIR": str(disk)} if place == "TMPDIR" else {}
    call += [] if settings else ["--directory", disk]
    done = subprocess.run(
        [*start, "sh", "-c", f'{FULL} shift; exec "$@"', "sh", disk, *call],
        cwd=project,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    one_sentence(done, f"the disk is full: cannot write to {disk}", way_out)


# ---- terminals


def test_an_ascii_terminal_loses_no_message(project, snakemake):
    for settings in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):
        done = snakemake("-n", "--config", "scale=größe", cwd=project, **settings)
        assert done.returncode == 1 and "Logging error" not in done.stdout
        assert re.search(r"unknown scale 'gr\\\S+e'\. Known: demo, ", done.stdout), done.stdout
