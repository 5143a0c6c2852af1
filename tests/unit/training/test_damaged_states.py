"""Checkpoints, shared prefixes and weights that were damaged: set aside or refused, never used."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from stripes import FLOAT32, RECIPE, changed, run, stripes
from test_shared_prefixes import PLAIN, SAR, assert_same, common

from passband import models
from passband.errors import Damaged, UserError
from passband.files import write_arrays
from passband.litter import remove_accepted
from passband.models.stored import load_model
from passband.probes.run import run_probe
from passband.tensors import write_tensors
from passband.training import engine
from passband.training.run import run_shared_prefix, run_training

pytestmark = pytest.mark.usefixtures("strict")

NETWORK = {"architecture": "resnet8_w8", "method": "AT", "quantization": None}
NATURAL = changed({"adversary": None, "epochs": 2})


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    """Change one bit of a tensor."""
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)


def foreign(path: Path) -> None:
    save_file({"a": torch.zeros(2)}, path)


DAMAGE = pytest.mark.parametrize(
    "damage", [empty, cut, flip, foreign], ids=lambda one: one.__name__
)


@DAMAGE
def test_a_damaged_checkpoint_is_set_aside(tmp_path, capsys, damage):
    """The training begins anew, and ends as one that nothing happened to."""
    path = tmp_path / "seed-0.safetensors"
    whole = run(path, NATURAL)
    damage(path)
    content = path.read_bytes()
    state = run(path, NATURAL)
    assert_same(state, whole)
    assert state.resumed == 0
    assert (tmp_path / "seed-0.safetensors.damaged").read_bytes() == content
    said = capsys.readouterr().out
    assert said.count(f"{path} is damaged (") == 1 and "goes on without it" in said
    assert run(path, NATURAL).resumed == 1


def test_a_checkpoint_that_does_not_fit_the_network_is_set_aside(tmp_path, monkeypatch):
    """As after a change of the network's code; the initial weights stay what they were."""
    path = tmp_path / "seed-0.safetensors"
    tensors, metadata = {}, {}
    monkeypatch.setattr(
        "passband.training.checkpoint.write_tensors",
        lambda path, found, told: (tensors.update(found), metadata.update(told)),
    )
    whole = run(path, NATURAL)
    monkeypatch.undo()
    tensors.pop("model.fc.bias", None)
    write_tensors(path, dict(list(tensors.items())[1:]), metadata)
    assert_same(run(path, NATURAL), whole)
    assert path.with_name("seed-0.safetensors.damaged").exists()


@DAMAGE
def test_after_a_damaged_checkpoint_a_training_goes_on_from_its_prefix(tmp_path, damage):
    prefix, path = tmp_path / "prefix", tmp_path / "seed-0.safetensors"
    run(prefix, common(SAR), until=2)
    whole = run(path, SAR, shared_prefix=prefix)
    damage(path)
    assert_same(run(path, SAR, shared_prefix=prefix), whole)


@DAMAGE
def test_a_damaged_prefix_is_refused(tmp_path, damage):
    prefix = tmp_path / "prefix"
    run(prefix, common(PLAIN) | {"epochs": 5}, until=1)
    damage(prefix)
    with pytest.raises(UserError, match=rf"^{prefix} is damaged \(.*\): remove it and run again"):
        run(tmp_path / "state", SAR, shared_prefix=prefix)
    assert not (tmp_path / "state").exists()


def test_weights_that_stop_being_finite_end_the_training(tmp_path, monkeypatch):
    """The last update of an epoch is seen by no loss of that epoch."""
    step = engine.stepping

    def spoiled(model, *rest):
        def last(images, labels, chosen, epoch, number):
            result = step(model, *rest)(images, labels, chosen, epoch, number)
            if (epoch, number) == (1, 2):
                next(model.parameters()).data[0] = torch.inf
            return result

        return last

    monkeypatch.setattr(engine, "stepping", spoiled)
    with pytest.raises(UserError, match=r"became nan in epoch 2: lower optimizer.learning_rate"):
        run(tmp_path / "state", NATURAL)
    assert all(value.isfinite().all() for value in load_file(tmp_path / "state").values())


# ---- jobs


@pytest.fixture
def job(tmp_path) -> dict:
    """Arguments of a training's job."""
    data = stripes()
    arrays = {"images": data.images.numpy(), "labels": data.labels.numpy()}
    described = {"dataset": {"classes": data.classes, "title": data.title}}
    for split in ("train", "test"):
        write_arrays(tmp_path / f"{split}.safetensors", arrays, described)
    return {
        "architecture": "resnet8_w8",
        "seed": 0,
        "data_file": tmp_path / "train.safetensors",
        "limit": None,
        "compute": FLOAT32,
    }


def outputs(folder: Path) -> dict:
    place = folder / "models/m/seed-0"
    return {
        "checkpoint": folder / "checkpoints/m/seed-0.safetensors",
        "weights": place / "weights.safetensors",
        "history": place / "history.csv",
        "run": place / "run.json",
    }


def test_a_training_keeps_its_checkpoint_until_the_results_are_accepted(tmp_path, job):
    files = outputs(tmp_path)
    run_training(name="m", recipe=NATURAL, shared_prefix=None, **files, **job)
    remove_accepted(tmp_path)
    assert files["checkpoint"].exists()

    files["weights"].unlink()  # as Snakemake does with results that it refuses
    files["history"].unlink()
    files["run"].unlink()
    run_training(name="m", recipe=NATURAL, shared_prefix=None, **files, **job)
    assert json.loads(files["run"].read_text())["resumed"] == 1

    time.sleep(0.05)
    os.utime(files["run"])  # as Snakemake does with results that it accepts
    remove_accepted(tmp_path)
    assert not files["checkpoint"].parent.exists()


def test_a_prefix_keeps_its_checkpoint_until_it_is_accepted(tmp_path, job):
    checkpoint = tmp_path / "checkpoints/shared-prefix-m/seed-0.safetensors"
    prefix = tmp_path / "shared_prefixes/m/seed-0.safetensors"
    recipe = {key: value for key, value in NATURAL.items() if key != "method"}
    common = {"name": "m", "recipe": recipe, "checkpoint": checkpoint, "output": prefix}
    run_shared_prefix(**common, until=1, **job)
    assert checkpoint.read_bytes() == prefix.read_bytes()
    remove_accepted(tmp_path)
    assert checkpoint.exists()
    time.sleep(0.05)
    os.utime(prefix)
    remove_accepted(tmp_path)
    assert not checkpoint.parent.exists()


def test_a_damaged_prefix_is_refused_before_the_training(tmp_path, job):
    prefix, files = tmp_path / "prefix/seed-0.safetensors", outputs(tmp_path)
    prefix.parent.mkdir()
    prefix.touch()
    with pytest.raises(Damaged, match=f"^{prefix} is damaged \\(it is empty\\)"):
        run_training(name="m", recipe=NATURAL, shared_prefix=prefix, **files, **job)
    assert not files["checkpoint"].exists()


# ---- weights and perturbations


@DAMAGE
def test_damaged_weights_are_refused(tmp_path, damage):
    path = tmp_path / "weights.safetensors"
    write_tensors(path, models.build("resnet8_w8", 1, 2, 16, seed=0).state_dict(), {})
    load_model(path, NETWORK, stripes())
    damage(path)
    with pytest.raises(UserError, match=rf"^{path} is damaged \(.*\): remove it and run again"):
        load_model(path, NETWORK, stripes())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    path, state = tmp_path / "weights", models.build("resnet8_w8", 1, 2, 16, seed=0).state_dict()
    name = next(iter(state))
    state[name].view(-1)[3] = value
    write_tensors(path, state, {})
    with pytest.raises(UserError, match=rf"^{path} is damaged \({name} has a value that is not"):
        load_model(path, NETWORK, stripes())


def test_weights_of_another_network_are_refused(tmp_path):
    path = tmp_path / "weights"
    write_tensors(path, models.build("resnet8", 1, 2, 16, seed=0).state_dict(), {})
    with pytest.raises(UserError, match=rf"^{path} holds the weights of another network than resn"):
        load_model(path, NETWORK, stripes())


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        (
            np.zeros((3, 1, 16, 16), np.float32),
            r"it has shape \[3, 1, 16, 16\], but the images \[4",
        ),
        (np.full((4, 1, 16, 16), np.nan, np.float32), "a value that is not finite"),
        (None, "it is empty"),
    ],
    ids=["other images", "not finite", "empty"],
)
def test_a_perturbation_that_does_not_fit_is_refused(tmp_path, job, noise, reason):
    weights, path = tmp_path / "weights", tmp_path / "pgd-20.safetensors"
    write_tensors(weights, models.build("resnet8_w8", 1, 2, 16, seed=0).state_dict(), {})
    path.touch()
    if noise is not None:
        write_arrays(path, {"perturbation": noise}, {})
    with pytest.raises(UserError, match=rf"^{path} is damaged \(.*{reason}.*\): remove it and run"):
        run_probe(
            probe={"probe": "example_images"},
            name="examples",
            model_name="m",
            network=NETWORK,
            seed=0,
            weights=weights,
            data_file=job["data_file"],
            perturbation=path,
            corrupted=None,
            limit=4,
            csv=tmp_path / "csv",
            arrays=tmp_path / "arrays",
            compute=FLOAT32,
        )


@DAMAGE
def test_damaged_data_are_refused_before_the_training(tmp_path, job, damage):
    damage(job["data_file"])
    with pytest.raises(UserError, match=rf"^{job['data_file']} is damaged \(.*\): remove it and"):
        run_training(name="m", recipe=RECIPE, shared_prefix=None, **outputs(tmp_path), **job)
