"""How much arithmetic the hot steps may cost, counted on the meta device: nothing is computed.

A ResNet-18 on 3 x 32 x 32 takes 1.111 GFLOP forward. An attack step needs that twice (forward, and
backward to the input); three times would mean that weight gradients are computed and thrown away.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from passband import models
from passband.attacks.objectives import objective
from passband.attacks.pgd import ascend
from passband.compute import Compute
from passband.models import fold_batchnorm
from passband.training.engine import training_step

BATCH = 128
META = Compute(torch.device("meta"), torch.float32)
FORWARD = 1.1111
ATTACK = {"name": "pgd-3", "attack": "pgd", "epsilon": 0.03, "step_size": 0.01, "steps": 3}
ADVERSARY = {"attack": ATTACK | {"start": "uniform"}, "batchnorm": "eval"}


class Cost(TorchDispatchMode):
    """Counts floating-point operations of matrix products and convolutions, and kernels."""

    def __init__(self):
        super().__init__()
        self.flop, self.kernels = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        packet = function.overloadpacket
        if packet in flop_registry:
            self.flop += flop_registry[packet](*args, **(kwargs or {}), out_val=result)
        self.kernels += not function.is_view and packet is not torch.ops.aten.detach
        return result

    @property
    def gflop_per_image(self) -> float:
        return self.flop / BATCH / 1e9


@contextmanager
def counted() -> Iterator[Cost]:
    with Cost() as cost:
        yield cost


def batch():
    images = torch.empty(BATCH, 3, 32, 32, device="meta")
    return images, torch.empty(BATCH, dtype=torch.int64, device="meta")


@pytest.fixture(scope="module")
def resnet18():
    return models.build("resnet18", 3, 10, 32, seed=0)


def test_forward_costs_what_the_papers_network_costs(resnet18):
    model = resnet18.to("meta")
    with counted() as cost:
        model(batch()[0])
    assert cost.gflop_per_image == pytest.approx(FORWARD, rel=5e-3)


@pytest.mark.parametrize(("training", "kernels"), [(True, 195), (False, 175)])
def test_an_attack_step_is_a_forward_and_a_backward_to_the_input(resnet18, training, kernels):
    model = resnet18.to("meta").train(training)
    images, labels = batch()
    with counted() as cost:
        aim = objective("cross_entropy", model, images, labels)
        ascend(model, aim, images, images, 8 / 255, 2 / 255, steps=1)
    assert cost.gflop_per_image == pytest.approx(2 * FORWARD, rel=5e-3)
    assert cost.kernels <= kernels


def test_the_count_tells_when_weight_gradients_are_computed(resnet18):
    model = resnet18.to("meta")
    images, labels = batch()
    with counted() as cost:
        torch.nn.functional.cross_entropy(model(images.requires_grad_()), labels).backward()
    assert cost.gflop_per_image == pytest.approx(3 * FORWARD, rel=5e-3)


def test_folding_removes_the_kernels_of_batch_normalisation(resnet18):
    model = fold_batchnorm(models.build("resnet18", 3, 10, 32, seed=0)).to("meta")
    images, labels = batch()
    with counted() as cost:
        aim = objective("cross_entropy", model, images, labels)
        ascend(model, aim, images, images, 8 / 255, 2 / 255, steps=1)
    assert cost.gflop_per_image == pytest.approx(2 * FORWARD, rel=5e-3)
    assert cost.kernels <= 112


@pytest.mark.parametrize(("adversary", "attack_steps"), [(None, 0), (ADVERSARY, 3)])
def test_a_training_step_costs_three_forwards_and_two_per_attack_step(
    resnet18, adversary, attack_steps
):
    model = resnet18.to("meta")
    recipe = {"augmentation": {"pad": 4, "flip": True}, "adversary": adversary}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    step = training_step(model, optimizer, recipe, 0, META)
    images, labels = batch()
    with counted() as cost:
        step(images.to(torch.uint8), labels, torch.empty_like(labels), 0)
    expected = 3.3297 + 2 * FORWARD * attack_steps
    assert cost.gflop_per_image == pytest.approx(expected, rel=5e-3)
