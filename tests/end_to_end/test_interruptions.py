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
EPOCHS, DROP = 10, 5
NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}  # bit for bit the same is promised for CPUs


class Training(NamedTuple):
    """One small robust training, which begins with a shared prefix, as a target of Snakemake.

    checkpoints: the state while the prefix and while the rest is trained. log: the prefix's.
    """

    arguments: tuple[str, ...]
    folder: Path
    checkpoints: dict[str, Path]
    log: Path


def training(place: Path) -> Training:
    """A training of many short epochs, with its results under `place`."""
    place.mkdir(parents=True)
    overlay = place / "overlay.yaml"
    changes = {
        "results_root": str(place / "results"),
        "train_images": 300,
        "recipes": {"*": {"epochs": EPOCHS, "schedule": {"milestones": [DROP]}}},
    }
    overlay.write_text(yaml.safe_dump(changes), encoding="utf-8")
    prefix = "fashion-mnist-sample_resnet8_w8_sar-pgd-at"
    model = f"{prefix}-sarwa"
    results = place / "results/smoke"
    folder = results / f"models/{model}/seed-0"
    configs = ("--configfile", "config/scales/smoke.yaml", str(overlay))
    target = str(folder / "weights.safetensors")
    no_gpu = ("--set-resources", "train_shared_prefix:gpu=0", "train_model:gpu=0")
    return Training(
        (target, "--cores", "1", *no_gpu, *configs),
        folder,
        {
            "shared prefix": results / f"checkpoints/shared-prefix-{prefix}/seed-0.safetensors",
            "training": results / f"checkpoints/{model}/seed-0.safetensors",
        },
        results / f"logs/shared_prefix/{prefix}/seed-0.log",
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
    wait_for(one.checkpoints["training"].exists, first, "a checkpoint")
    os.killpg(first.pid, signal.SIGSTOP)
    second = snakemake(*one.arguments, cwd=project, **NO_GPU)
    os.killpg(first.pid, signal.SIGCONT)
    output, _ = first.communicate(timeout=WAIT)
    assert first.returncode == 0, output[-4000:]
    return one, second, output


def test_two_runs_on_one_scale(undisturbed):
    one, second, first_output = undisturbed
    assert second.returncode == 1
    sentence = f"another run is using {one.folder.parents[2]}: wait until it ends"
    assert second.stdout.count(sentence) == 1, second.stdout
    assert "Traceback" not in second.stdout
    assert "Traceback" not in first_output
    told = json.loads((one.folder / "run.json").read_text())
    assert told["resumed"] == 0 and told["shared_prefix"]
    assert 0 < told["shared_prefix_seconds"] < told["seconds"]


@pytest.mark.parametrize(
    ("part", "signal_sent"),
    [
        ("training", signal.SIGKILL),
        ("training", signal.SIGTERM),
        ("shared prefix", signal.SIGKILL),
    ],
)
def test_a_killed_training_goes_on(
    project, undisturbed, snakemake, start_snakemake, tmp_path, part, signal_sent
):
    one = training(tmp_path / "place")
    checkpoint = one.checkpoints[part]
    killed = start_snakemake(*one.arguments, cwd=project, **NO_GPU)
    wait_for(checkpoint.exists, killed, "a checkpoint")
    os.killpg(killed.pid, signal_sent)
    output, _ = killed.communicate(timeout=WAIT)  # returns when no job holds the output any more
    assert killed.returncode != 0, output
    assert checkpoint.exists() and not (one.folder / "weights.safetensors").exists()

    again = snakemake(*one.arguments, cwd=project, **NO_GPU)
    assert again.returncode == 0, again.stdout[-4000:]
    told = json.loads((one.folder / "run.json").read_text())
    assert told["resumed"] == (part == "training") and told["epochs"] == EPOCHS
    went_on = "going on after epoch" in one.log.read_text()
    assert went_on == (part == "shared prefix"), "a finished prefix is not trained again"
    weights, undisturbed_weights = (
        (folder / "weights.safetensors").read_bytes()
        for folder in (one.folder, undisturbed[0].folder)
    )
    assert weights == undisturbed_weights
    assert not any(path.exists() for path in one.checkpoints.values())
