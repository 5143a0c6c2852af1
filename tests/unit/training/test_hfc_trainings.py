"""Trainings of hfc: interruption with every optimiser, shuffled labels, batch moments, dropout."""

import pytest
import torch
from stripes import FLOAT32, RECIPE, stripes

from passband import models
from passband.evaluation import frozen, predictions
from passband.training import engine
from passband.training.checkpoint import State
from passband.training.engine import split_validation, train
from passband.training.parts.shuffled_labels import shuffled_labels

pytestmark = pytest.mark.usefixtures("strict")

# The values of the paper; those that it leaves out are the defaults of TensorFlow 1, its library.
OPTIMISERS = {
    "adam": {"learning_rate": 1e-4, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "sgd": {"learning_rate": 1e-2, "momentum": 0.0, "nesterov": False},
    "adagrad": {
        "learning_rate": 1e-2,
        "learning_rate_decay": 0.0,
        "initial_accumulator": 0.1,
        "epsilon": 1e-10,
    },
    "adadelta": {"learning_rate": 1e-1, "rho": 0.95, "epsilon": 1e-8},
    "rmsprop": {
        "learning_rate": 1e-4,
        "alpha": 0.9,
        "momentum": 0.0,
        "centered": False,
        "epsilon": 1e-10,
    },
}


def recipe(optimiser: str = "adam", **parts: dict) -> dict:
    """Natural training at a constant rate, without weight decay and augmentation."""
    return RECIPE | {
        "optimizer": {"kind": optimiser, "weight_decay": 0.0} | OPTIMISERS[optimiser],
        "schedule": {"kind": "constant"},
        "augmentation": {"pad": 0, "flip": False},
        "batch_size": 50,
        "validation": {"fraction": 0.0},
        "select": "last",
        "parts": parts,
    }


def trained(checkpoint, recipe: dict, architecture: str) -> State:
    return train(
        recipe,
        stripes(),
        models.build(architecture, 1, 2, 16, seed=0),
        name="stripes",
        seed=0,
        data_sha256="0",
        compute=FLOAT32,
        checkpoint=checkpoint,
    )


CASES = {
    "adam, shuffled, moments": ("adam", "resnet8_batch_moments_w4", {"shuffled_labels": {}}),
    "sgd, moments": ("sgd", "resnet8_batch_moments_w4", {}),
    "adagrad, dropout": ("adagrad", "resnet8_dropout_w4", {}),
    "adadelta, plain": ("adadelta", "resnet8_plain_w4", {}),
    "rmsprop, dropout, shuffled": ("rmsprop", "resnet8_dropout_w4", {"shuffled_labels": {}}),
}


@pytest.mark.parametrize(("optimiser", "architecture", "parts"), CASES.values(), ids=CASES)
def test_an_interrupted_training_of_the_paper_ends_with_the_same_bits(
    optimiser, architecture, parts, tmp_path, monkeypatch
):
    wanted = recipe(optimiser, **parts)
    whole = trained(tmp_path / "whole", wanted, architecture)
    kept = engine.save_state

    def stopping(path, state, fingerprint):
        kept(path, state, fingerprint)
        if len(state.history) < 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(engine, "save_state", stopping)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                trained(tmp_path / "broken", wanted, architecture)
            torch.rand(7)
    resumed = trained(tmp_path / "broken", wanted, architecture)
    assert resumed.resumed == 2
    before = models.build(architecture, 1, 2, 16, seed=0).state_dict()
    for name, value in whole.best.items():
        assert torch.equal(value, resumed.best[name]), name
        assert not torch.equal(value, before[name]), f"{name} was not trained"
    for row, same in zip(whole.history, resumed.history, strict=True):
        assert row["train_loss"] == same["train_loss"]


def test_shuffled_labels_are_learned_as_they_were_shuffled_once(tmp_path):
    """A network that has memorised the shuffled labels predicts them, not the true ones."""
    data = stripes()
    fast = recipe(shuffled_labels={}) | {"epochs": 60, "batch_size": 24}
    fast["optimizer"] = fast["optimizer"] | {"learning_rate": 0.01}
    state = trained(tmp_path / "state", fast, "resnet8_plain_w4")
    found = predictions(frozen(state.model), data.images, FLOAT32)
    shuffled = shuffled_labels(data.labels)
    learned = (found == shuffled).float().mean()
    assert learned > (found == data.labels).float().mean() + 0.2
    assert state.history[-1]["train_accuracy"] > 70


def test_masks_of_dropout_do_not_depend_on_the_size_of_the_batch(tmp_path):
    """Whole gradients are those of two halves, whose images keep their masks."""
    from passband.training.step import training_step

    inside, _ = split_validation(240, 0.5)
    data, gradients = stripes(), []
    for size in (60, 120):
        model = models.build("resnet8_dropout_w4", 1, 2, 16, seed=0)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        step = training_step(model, optimizer, recipe("sgd"), 0, FLOAT32)
        total = [torch.zeros_like(parameter) for parameter in model.parameters()]
        for chosen in inside.split(size):
            step(data.images[chosen], data.labels[chosen], chosen, 0)
            for sum_, parameter in zip(total, model.parameters(), strict=True):
                sum_ += parameter.grad * len(chosen)
        gradients.append(total)
    for halves, whole in zip(*gradients, strict=True):
        torch.testing.assert_close(halves, whole, atol=1e-4, rtol=1e-4)
