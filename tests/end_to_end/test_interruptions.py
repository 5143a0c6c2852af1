"""Runs that are killed, and runs that meet: nothing is lost, and the results are the same."""

import json
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

WAIT = 240
EPOCHS = 8
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}  # bit for bit the same is promised for CPUs


class Training(NamedTuple):
    """One small robust training as a target of Snakemake."""

    arguments: tuple[str, ...]
    folder: Path
    checkpoint: Path


def training(place: Path) -> Training:
    """A training of many short epochs, with its results under `place`."""
    place.mkdir(parents=True)
    overlay = place / "overlay.yaml"
    changes = {
        "results_root": str(place / "results"),
        "train_images": 300,
        "recipes": {"*": {"epochs": EPOCHS}},
    }
    overlay.write_text(yaml.safe_dump(changes), encoding="utf-8")
    model = "fashion-mnist-sample_resnet8_w8_sar-pgd-at"
    results = place / "results/smoke"
    folder = results / f"models/{model}/seed-0"
    configs = ("--configfile", "config/scales/smoke.yaml", str(overlay))
    target = str(folder / "weights.safetensors")
    return Training(
        (target, "--cores", "1", "--set-resources", "train_model:gpu=0", *configs),
        folder,
        results / f"checkpoints/{model}/seed-0.safetensors",
    )


def wait_for(condition, process, what: str) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert process.poll() is None, f"ended before {what}:\n{process.stdout.read()[-4000:]}"
        assert time.monotonic() < end, f"no {what} within {WAIT} s"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(project, snakemake, start_snakemake, tmp_path_factory):
    """A training that runs through; while it pauses, a second run is started on the same scale."""
    one = training(tmp_path_factory.mktemp("undisturbed") / "place")
    first = start_snakemake(*one.arguments, cwd=project, **NO_GPU)
    wait_for(one.checkpoint.exists, first, "a checkpoint")
    os.killpg(first.pid, signal.SIGSTOP)
    second = snakemake(*one.arguments, cwd=project, **NO_GPU)
    os.killpg(first.pid, signal.SIGCONT)
    output, _ = first.communicate(timeout=WAIT)
    assert first.returncode == 0, output[-4000:]
    return one, second, output


def test_two_runs_on_one_scale(undisturbed):
    one, second, first_output = undisturbed
    assert second.returncode == 1
    sentence = f"another run is working on {one.folder.parents[2]}: wait until it ends"
    assert second.stdout.count(sentence) == 1, second.stdout
    assert "Traceback" not in second.stdout
    assert "Traceback" not in first_output
    told = json.loads((one.folder / "run.json").read_text())
    assert told["resumed"] == 0


@pytest.mark.parametrize("signal_sent", [signal.SIGKILL, signal.SIGTERM], ids=lambda s: s.name)
def test_a_killed_training_goes_on(
    project, undisturbed, snakemake, start_snakemake, tmp_path, signal_sent
):
    one = training(tmp_path / "place")
    killed = start_snakemake(*one.arguments, cwd=project, **NO_GPU)
    wait_for(one.checkpoint.exists, killed, "a checkpoint")
    os.killpg(killed.pid, signal_sent)
    output, _ = killed.communicate(timeout=WAIT)  # returns when no job holds the output any more
    assert killed.returncode != 0, output
    assert one.checkpoint.exists() and not (one.folder / "weights.safetensors").exists()

    again = snakemake(*one.arguments, cwd=project, **NO_GPU)
    assert again.returncode == 0, again.stdout[-4000:]
    told = json.loads((one.folder / "run.json").read_text())
    assert told["resumed"] == 1 and told["epochs"] == EPOCHS
    weights, undisturbed_weights = (
        (folder / "weights.safetensors").read_bytes()
        for folder in (one.folder, undisturbed[0].folder)
    )
    assert weights == undisturbed_weights
    assert not one.checkpoint.exists()
