"""Trainings on the GPU: replayed from graphs, compiled, interrupted and resumed."""

import math

import pytest
import torch
from kinds import KINDS, differences, trained
from stripes import ATTACK, RECIPE, changed, stripes

from passband import models
from passband.compute import Compute
from passband.draws import Draws
from passband.evaluation import crafted, frozen
from passband.training import engine
from passband.training.engine import optimizer_of
from passband.training.optimisers import set_rates
from passband.training.replay import stepping

OPTIMIZERS = {
    "adam": {
        "kind": "adam",
        "learning_rate": 0.01,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "weight_decay": 1e-4,
    },
    "adadelta": {
        "kind": "adadelta",
        "learning_rate": 1.0,
        "rho": 0.9,
        "epsilon": 1e-6,
        "weight_decay": 1e-4,
    },
    "rmsprop": {
        "kind": "rmsprop",
        "learning_rate": 0.001,
        "alpha": 0.99,
        "momentum": 0.9,
        "centered": True,
        "epsilon": 1e-8,
        "weight_decay": 1e-4,
    },
}


@pytest.fixture
def graphs(gpu) -> Compute:
    """The GPU as a job has it, in bfloat16, with graphs."""
    return Compute(gpu.device, torch.bfloat16, "graphs")


# The trainings of `kinds` take 50 steps. The learning rate drops after half of them, when some
# parts start; keys change ten times, and every fifth batch is smaller than the others.


@pytest.mark.parametrize("kind", KINDS)
def test_a_replayed_training_equals_an_eager_one(tmp_path, kind, graphs, deterministic):
    eager = trained(tmp_path / "eager", kind, graphs.with_engine("eager"))
    replayed = trained(tmp_path / "replayed", kind, graphs)
    assert differences(eager, replayed) == []


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_every_optimiser_that_can_be_replayed_is(tmp_path, optimizer, graphs, deterministic):
    changes = {"optimizer": optimizer}
    eager = trained(tmp_path / "eager", "at", graphs.with_engine("eager"), changes)
    replayed = trained(tmp_path / "replayed", "at", graphs, changes)
    assert differences(eager, replayed) == []


@pytest.mark.parametrize("kind", ["natural", "at-train"])
def test_the_first_step_is_not_repeated_in_what_follows(kind, gpu, deterministic):
    """Momentum is made in the first step; the capture must leave no trace of its own steps."""
    data, states = stripes(48), []
    for compute in (gpu, gpu.with_engine("graphs")):
        recipe = changed(KINDS[kind] | {"epochs": 1})
        model = compute.place(models.build("resnet8_w8", 1, 2, 16, seed=0))
        optimizer = optimizer_of(model, recipe, compute)
        step = stepping(model, optimizer, recipe, 0, compute, None, 2)
        for number, rows in enumerate(torch.arange(48, device=gpu.device).split(16)):
            set_rates(optimizer, [0.1 / (1 + number)])
            batch = data.images.to(gpu.device)[rows], data.labels.to(gpu.device)[rows], rows
            result = [one.item() for one in step(*batch, 0, number)]
            tensors = {name: value.clone() for name, value in model.state_dict().items()}
            momentum = [optimizer.state[one]["momentum_buffer"] for one in model.parameters()]
            states.append((result, tensors, [one.clone() for one in momentum]))
    for (result, tensors, momentum), (again, others, theirs) in zip(
        states[:3], states[3:], strict=True
    ):
        assert result == again
        assert all(torch.equal(value, others[name]) for name, value in tensors.items())
        assert all(torch.equal(*pair) for pair in zip(momentum, theirs, strict=True))


class Ended(Exception):
    """Stands in for whatever ends a job."""


@pytest.mark.parametrize("kind", ["at", "sarwa", "dropout"])
def test_an_interrupted_training_goes_on_with_the_same_bits(
    tmp_path, kind, graphs, deterministic, monkeypatch
):
    changes = {"epochs": 4, "schedule": {"kind": "steps", "milestones": [2], "factors": [0.1]}}
    expected = trained(tmp_path / "whole", kind, graphs, changes)
    saved, save_state = [], engine.save_state

    def save(*arguments: object) -> None:
        save_state(*arguments)
        saved.append(arguments)
        if len(saved) in (1, 3):
            raise Ended

    monkeypatch.setattr(engine, "save_state", save)
    for _ in range(2):
        with pytest.raises(Ended):
            trained(tmp_path / "state", kind, graphs, changes)
    state = trained(tmp_path / "state", kind, graphs, changes)
    assert state.resumed == 2 and len(state.history) == 4
    assert differences(expected, state) == []


def test_a_compiled_training_learns_like_an_eager_one(gpu):
    """Compiled code rounds differently, so that weights diverge; losses and accuracy must not."""
    pytest.importorskip("triton", reason="torch.compile needs triton on a GPU")
    recipe = changed({"epochs": 2, "parts": RECIPE["parts"]})
    data = stripes(240)
    images, labels = (one.to(gpu.device) for one in (data.images, data.labels))
    losses, attacked = {}, {}
    for kind in ("eager", "compiled"):
        compute = Compute(gpu.device, torch.bfloat16, kind)
        model = compute.place(models.build("resnet8_w8", 1, 2, 16, seed=0))
        optimizer = optimizer_of(model, recipe, compute)
        step = stepping(model, optimizer, recipe, 0, compute, None, 2)
        losses[kind] = []
        for epoch in range(4):
            order = torch.randperm(240, generator=torch.Generator().manual_seed(epoch))
            for number, rows in enumerate(order.to(gpu.device).split(64)):
                loss, _ = step(images[rows], labels[rows], rows, epoch, number)
                losses[kind].append(loss.item() / len(rows))
        network = frozen(model)
        draws = Draws(0, torch.arange(240, device=gpu.device))
        clean = compute.images(images)
        adversarial = crafted(ATTACK | {"steps": 10}, network, clean, labels, draws, compute)
        assert (adversarial - clean).abs().max() <= ATTACK["epsilon"] + 1e-6
        attacked[kind] = (compute.labels_of(network, adversarial) == labels).float().mean().item()
    assert losses["compiled"][:3] == pytest.approx(losses["eager"][:3], rel=0.05)
    assert all(map(math.isfinite, losses["compiled"]))
    last = {kind: sum(found[-4:]) / 4 for kind, found in losses.items()}
    assert last["compiled"] == pytest.approx(last["eager"], abs=0.15)
    assert attacked["compiled"] == pytest.approx(attacked["eager"], abs=0.15)
