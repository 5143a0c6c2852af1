"""Damaged files, wrong clocks and dead processes, in runs as a user starts them."""

import json
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
import yaml
from safetensors.torch import load_file
from test_interruptions import NO_GPU, WAIT, wait_for

from passband.tensors import write_tensors

SCALE = ("--cores", "1", "--configfile", "config/scales/smoke.yaml")
EPOCHS = 8


def overlay(place: Path, **changes) -> Path:
    path = place / "overlay.yaml"
    folders = {f"{name}_root": str(place / name) for name in ("results", "data")}
    path.write_text(yaml.safe_dump(folders | changes), encoding="utf-8")
    return path


# ---- damaged files


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    """Remove the last line."""
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def flip(path: Path) -> None:
    """Change one bit near the end."""
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)


def spoil(path: Path) -> None:
    """Weights that are not finite, as a training that diverged would have written them."""
    tensors = load_file(path)
    next(one for one in tensors.values() if one.is_floating_point()).view(-1)[0] = torch.nan
    write_tensors(path, tensors, {})


NATURAL, LOW, ROBUST = (
    f"fashion-mnist-sample_resnet8_w8_sar-{name}/seed-0"
    for name in ("natural", "l-model", "pgd-at")
)
# what is damaged, how, and what its reader makes
DAMAGE = [
    (f"models/{ROBUST}/weights.safetensors", flip, f"measurements/{ROBUST}/examples.csv"),
    (f"models/{NATURAL}/weights.safetensors", spoil, f"measurements/{NATURAL}/examples.csv"),
    (f"attacks/{LOW}/pgd-20.safetensors", flip, f"measurements/{LOW}/examples.csv"),
    (f"arrays/{LOW}/fourier-heatmap.safetensors", flip, "figures/sar.fig7.svg"),
    (f"measurements/{LOW}/lowpass.csv", cut, "tables/sar.table1.csv"),
]


@pytest.fixture
def damaged(smoke):
    """Damage files of the finished run behind Snakemake's back; they are whole again afterwards."""
    kept = {}

    def damage(name: str, how, made: str) -> Path:
        path = smoke.results / name
        kept[path] = path.read_bytes(), path.stat()
        (smoke.results / made).unlink(missing_ok=True)
        how(path)
        os.utime(path, ns=(kept[path][1].st_atime_ns, kept[path][1].st_mtime_ns))
        return path

    yield damage
    for path, (content, times) in kept.items():
        path.write_bytes(content)
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_damaged_files_are_named_and_not_believed(smoke, snakemake, damaged):
    paths = [damaged(*one) for one in DAMAGE]
    done = snakemake(*smoke.arguments, "--keep-going", cwd=smoke.project)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    for path in paths:
        name = path.relative_to(smoke.project)
        assert f"{name} is damaged (" in done.stdout, done.stdout[-8000:]


@pytest.mark.parametrize(
    ("name", "damage"),
    [("findings.csv", empty), ("measurements.csv", cut), (f"models/{LOW}/history.csv", empty)],
    ids=lambda one: str(one).rpartition("/")[2] if isinstance(one, str) else one.__name__,
)
def test_a_report_is_not_made_of_damaged_files(smoke, snakemake, damaged, name, damage):
    assert snakemake(*smoke.arguments, cwd=smoke.project).returncode == 0
    path = damaged(name, damage, "report/index.html").relative_to(smoke.project)
    done = snakemake(*smoke.arguments, cwd=smoke.project)
    assert done.returncode == 1 and "Traceback" not in done.stdout
    assert done.stdout.count(f"{path} is damaged (") == 1, done.stdout[-8000:]
    assert "Done." not in done.stdout


def test_what_is_removed_is_made_again_with_the_same_bits(smoke, snakemake):
    names = [f"attacks/{LOW}/pgd-20.safetensors", f"measurements/{LOW}/lowpass.csv"]
    last = ("measurements.csv", "findings.csv", "figures/sar.fig2.svg")
    snakemake(*smoke.arguments, cwd=smoke.project)
    before = {name: (smoke.results / name).read_bytes() for name in (*names, *last)}
    for name in names:
        (smoke.results / name).unlink()
    paths = [f"results/smoke/{name}" for name in names]
    done = snakemake(*smoke.arguments, "--forcerun", *paths, cwd=smoke.project)
    assert done.returncode == 0, done.stdout[-4000:]
    assert {name: (smoke.results / name).read_bytes() for name in before} == before


# ---- checkpoints, clocks and litter


class Training(NamedTuple):
    """One small training as a target of Snakemake."""

    arguments: tuple[object, ...]
    place: Path

    @property
    def folder(self) -> Path:
        return self.place / "results/smoke/models" / ROBUST

    @property
    def checkpoint(self) -> Path:
        return self.place / f"results/smoke/checkpoints/{ROBUST}.safetensors"

    @property
    def data(self) -> Path:
        return self.place / "data/fashion-mnist-sample/train.safetensors"

    @property
    def log(self) -> Path:
        return self.place / f"results/smoke/logs/train/{ROBUST}.log"


def training(place: Path) -> Training:
    place.mkdir(exist_ok=True)
    recipes = {"*": {"epochs": EPOCHS, "schedule": {"milestones": [4]}}}
    configs = (*SCALE, overlay(place, train_images=200, recipes=recipes))
    target = place / "results/smoke/models" / ROBUST / "weights.safetensors"
    return Training((target, *configs, "--set-resources", "train_model:gpu=0"), place)


@pytest.fixture(scope="module")
def undisturbed(project, snakemake, tmp_path_factory) -> bytes:
    one = training(tmp_path_factory.mktemp("undisturbed"))
    done = snakemake(*one.arguments, cwd=project, **NO_GPU)
    assert done.returncode == 0, done.stdout[-4000:]
    assert not one.checkpoint.parent.exists()
    return (one.folder / "weights.safetensors").read_bytes()


def test_a_killed_training_with_a_damaged_checkpoint_begins_anew(
    project, undisturbed, snakemake, start_snakemake, tmp_path, temporary
):
    """What killed processes left is gone afterwards, and what living ones use is not."""
    one = training(tmp_path / "place")
    settings = {**NO_GPU, "TMPDIR": str(temporary)}
    killed = start_snakemake(*one.arguments, cwd=project, **settings)
    wait_for(one.checkpoint.exists, killed, "a checkpoint")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=WAIT)
    empty(one.checkpoint)
    litter = [
        one.folder.parent / f".run.json.{killed.pid}.part",
        one.data.with_name(f".train.safetensors.{killed.pid}.part"),
        temporary / "passband-notebook-abc",
    ]
    living = one.folder.parent / f".run.json.{os.getpid()}.part"
    for path in (*litter[:2], living):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    litter[2].mkdir()

    done = snakemake(*one.arguments, cwd=project, **settings)
    assert done.returncode == 0, done.stdout[-4000:]
    assert done.stdout.count(f"{one.checkpoint} is damaged (it is empty)") == 1
    assert (one.folder / "weights.safetensors").read_bytes() == undisturbed
    assert not one.checkpoint.parent.exists()
    assert not any(path.exists() for path in litter) and living.exists()


def test_an_input_from_the_future_is_refused_before_the_training(
    project, undisturbed, snakemake, start_snakemake, tmp_path
):
    """Dated so during the training, it costs nothing but another start."""
    one = training(tmp_path / "place")
    running = start_snakemake(*one.arguments, cwd=project, **NO_GPU)
    wait_for(one.checkpoint.exists, running, "a checkpoint")
    tomorrow = time.time() + 86_400
    os.utime(one.data, (tomorrow, tomorrow))
    output, _ = running.communicate(timeout=WAIT)
    assert running.returncode != 0 and "has older modification time" in output, output[-4000:]
    assert one.checkpoint.exists()

    refused = snakemake(*one.arguments, cwd=project, **NO_GPU)
    assert refused.returncode == 1 and "Traceback" not in refused.stdout
    assert refused.stdout.count(f"{one.data} is dated in the future") == 1, refused.stdout
    assert one.checkpoint.exists()

    os.utime(one.data)
    done = snakemake(*one.arguments, cwd=project, **NO_GPU)
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"going on after epoch {EPOCHS}" in one.log.read_text()
    assert json.loads((one.folder / "run.json").read_text())["resumed"] == 1
    assert (one.folder / "weights.safetensors").read_bytes() == undisturbed
    assert not one.checkpoint.parent.exists()
