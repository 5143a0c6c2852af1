"""Clocks, the choice of the engine, and branches of the code that only a GPU takes."""

import pytest
import torch
from stripes import ATTACK, FLOAT32, RECIPE, changed
from torch import Tensor, nn

from passband import compute
from passband.attacks import ATTACKS, exact
from passband.compute import Compute, tensor_float32
from passband.draws import Clock, Draws, Timed, key_of, timely
from passband.errors import UserError
from passband.evaluation import crafted
from passband.training.engine import optimizer_of, suited
from passband.training.optimisers import make_replayable, set_rates

PGD = {"attack": ATTACK, "batchnorm": "eval"}
CUDA = Compute(torch.device("cuda"), torch.float32)  # takes the GPU's branches, on CPU tensors


def test_keys_of_a_clock_are_those_of_its_numbers():
    clock = Clock()
    key, plain = key_of(3, "mixing", clock.epoch, clock.number), key_of(3, "mixing", 4, 7)
    late, indices = Draws(key, torch.arange(5)), torch.arange(5)
    clock.set(4, 7)
    assert isinstance(key, Timed) and int(key) == plain
    with pytest.raises(TypeError, match="cannot be text"):
        f"{key}"
    bits = late.bits("start", (2,))
    assert torch.equal(bits, Draws(plain, indices).bits("start", (2,)))
    clock.set(4, 8)
    assert torch.equal(
        late.bits("start", (2,)), Draws(key_of(3, "mixing", 4, 8), indices).bits("start", (2,))
    )
    assert timely(max, 2, 3) == 3 and int(timely(max, clock.number, 3)) == 8


def test_a_tensor_of_a_clock_is_filled_in_its_place():
    clock = Clock()
    clock.set(1, 0)
    shown = clock.show(clock.epoch, torch.int64, torch.device("cpu"))
    assert shown.tolist() == 1
    clock.set(6, 0)
    assert shown.tolist() == 6
    assert clock.show(clock.epoch, torch.int64, torch.device("cpu")) is shown


def test_rates_on_the_device_are_set_in_their_place():
    optimizer = optimizer_of(nn.Linear(2, 2), RECIPE, FLOAT32)
    set_rates(optimizer, [0.5])
    assert optimizer.param_groups[0]["lr"] == 0.5
    make_replayable(optimizer, torch.device("cpu"))
    rate = optimizer.param_groups[0]["lr"]
    set_rates(optimizer, [0.25])
    assert rate is optimizer.param_groups[0]["lr"] and rate.tolist() == 0.25


def test_only_long_trainings_are_compiled_and_only_replayable_ones_captured():
    compiled = Compute(torch.device("cpu"), torch.float32, "compiled")
    short = RECIPE | {"epochs": 1}
    assert suited(compiled, short, 100).engine == "graphs"
    assert suited(compiled, short | {"epochs": 10**6}, 100).engine == "compiled"
    attacked = changed({"adversary": PGD})
    passes = 1 + ATTACK["steps"]
    epochs = -(-50_000 // passes // 10)
    long = attacked | {"epochs": epochs, "batch_size": 10}
    assert suited(compiled, long, 100).engine == "compiled"
    assert suited(compiled, long | {"epochs": epochs // passes}, 100).engine == "graphs"
    adagrad = RECIPE | {"optimizer": {"kind": "adagrad"}}
    assert suited(compiled, adagrad | {"epochs": 10**6}, 100).engine == "eager"


def test_an_unknown_engine_is_refused(monkeypatch):
    monkeypatch.setenv(compute.ENGINE, "fast")
    with pytest.raises(UserError, match="PASSBAND_ENGINE is 'fast': expected one of eager, graphs"):
        compute.chosen_engine()
    monkeypatch.setenv(compute.ENGINE, "graphs")
    assert compute.chosen_engine() == "graphs"


class Rounding(nn.Module):
    """Logits 0 and the first pixel minus 0.5, that TensorFloat-32 moves by `error`; range 1."""

    def __init__(self, error: float):
        super().__init__()
        self.error, self.sizes = error, []

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        margin = images[:, 0, 0, 0] - 0.5
        if torch.backends.cudnn.allow_tf32:
            margin = margin - self.error
        return torch.stack([torch.zeros_like(margin), margin, torch.full_like(margin, -1)], 1)


def test_near_ties_are_decided_in_float32():
    images = torch.tensor([0.0, 0.501, 0.6, 0.499, 1.0]).view(5, 1, 1, 1)
    model = Rounding(0.002)
    assert CUDA.labels_of(model, images).tolist() == [0, 1, 1, 0, 1]
    assert model.sizes == [5, 2] and not torch.backends.cudnn.allow_tf32
    with tensor_float32():
        assert model(images).argmax(1).tolist() == [0, 0, 1, 0, 1]
    images[0] = torch.nan
    assert CUDA.labels_of(model, images)[1:].tolist() == [1, 1, 0, 1]


def test_images_that_only_tensor_float_32_believes_fooled_are_attacked_again(monkeypatch):
    runs = []

    @exact
    def lifting(logits_of, images, labels, draws):
        """Raise the first pixel until the label is 1, in steps of 1e-4."""
        runs.append((torch.backends.cudnn.allow_tf32, draws.indices.tolist()))
        found = images.clone()
        while (stands := logits_of(found).argmax(1) == labels).any():
            found[stands] += 1e-4
        return found

    ATTACKS.names()  # all are registered before one is added for a while
    monkeypatch.setitem(ATTACKS._functions, "lifting", lifting)
    attack = {"name": "lifting", "attack": "lifting"}
    images, labels = torch.tensor([0.498, 0.7]).view(2, 1, 1, 1), torch.tensor([0, 0])
    model, draws = Rounding(-0.002).eval(), Draws(1, torch.tensor([4, 9]))
    found = crafted(attack, model, images, labels, draws, CUDA)
    assert runs == [(True, [4, 9]), (False, [4])]
    assert CUDA.labels_of(model, found).tolist() == [1, 1]
    assert torch.equal(found[1], images[1])
