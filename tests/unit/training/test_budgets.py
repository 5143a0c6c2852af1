"""How much arithmetic the hot steps may cost, counted on the meta device: nothing is computed.

A ResNet-18 on 3 x 32 x 32 takes 1.111 GFLOP forward. An attack step needs that twice (forward, and
backward to the input); three times would mean that weight gradients are computed and thrown away.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from passband import models
from passband.attacks import craft
from passband.attacks.objectives import objective
from passband.attacks.pgd import ascend
from passband.compute import Compute
from passband.draws import Draws
from passband.models import fold_batchnorm
from passband.training.step import training_step

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


@pytest.mark.parametrize("loss", ["cross_entropy", "margin", "kl"])
def test_kl_costs_one_forward_more_than_other_losses_of_an_attack(resnet18, loss):
    model = fold_batchnorm(resnet18).to("meta")
    images, labels = batch()
    draws = Draws(0, torch.empty_like(labels))
    attack = ATTACK | {"start": "normal", "loss": loss}
    with counted() as cost:
        craft(attack, model, images, labels, draws)
    forwards = 2 * ATTACK["steps"] + (loss == "kl")
    assert cost.gflop_per_image == pytest.approx(forwards * FORWARD, rel=5e-3)


# A step's cost in forward passes of one image; k is the number of attack steps. A pass forward and
# back to the weights costs three, since the gradient of the images is left out only in the first
# layer. The averaged network's pass takes no gradient. Perturbing the weights is one more pass
# forward and back. Nothing that is already there is computed twice.
K = ATTACK["steps"]
KL = {"attack": ATTACK | {"start": "normal", "loss": "kl"}, "batchnorm": "eval"}
ALIGNMENT = {"coefficient": 0.1, "distance": "l1", "transform": "sample", "natural_branch": "live"}
PARTS = {
    "NATURAL": {"adversary": None},
    "SAR": {"spectral_alignment": ALIGNMENT},
    "SARWA": {
        "spectral_alignment": ALIGNMENT | {"natural_branch": "average"},
        "weight_average": {"cycle": 1},
    },
    "TRADES": {"adversary": KL, "trades": {"beta": 6}},
    "MART": {"mart": {"beta": 6}},
    "AWP": {"weight_perturbation": {"gamma": 0.01, "warmup": 0}},
}
PASSES = {
    "NATURAL": 3,
    "PGD-AT": 2 * K + 3,
    "SAR": 2 * K + 6,
    "SARWA": 2 * K + 4,
    "TRADES": 2 * K + 1 + 6,
    "TRADES+SAR": 2 * K + 1 + 6,
    "TRADES+SARWA": 2 * K + 1 + 7,
    "MART": 2 * K + 6,
    "MART+SAR": 2 * K + 6,
    "MART+SARWA": 2 * K + 7,
    "AWP": 2 * K + 6,
    "AWP+SAR": 2 * K + 9,
    "AWP+SARWA": 2 * K + 7,
    "TRADES+AWP": 2 * K + 1 + 12,
    "MART+AWP": 2 * K + 12,
}


def cost_of_a_step(model: nn.Module, parts: dict, epoch: int) -> float:
    """GFLOP per image of a training step; the learning rate drops at epoch 1."""
    recipe = {
        "epochs": 2,
        "schedule": {"kind": "steps", "milestones": [1], "factors": [0.1]},
        "augmentation": {"pad": 4, "flip": True},
        "parts": {name: part for name, part in ({"adversary": ADVERSARY} | parts).items() if part},
    }
    model = model.to("meta")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    average = fold_batchnorm(model)
    step = training_step(model, optimizer, recipe, 0, META, average)
    images, labels = batch()
    with counted() as cost:
        step(images.to(torch.uint8), labels, torch.empty_like(labels), epoch)
    return cost.gflop_per_image


@pytest.mark.parametrize(("method", "passes"), PASSES.items(), ids=PASSES)
def test_a_training_step_costs_what_its_recipe_needs(resnet18, method, passes):
    parts = {}
    for part in method.split("+") if method != "PGD-AT" else ():
        parts |= PARTS[part]
    assert cost_of_a_step(resnet18, parts, 1) == pytest.approx(passes * FORWARD, rel=5e-3)


@pytest.mark.parametrize("method", ["SAR", "SARWA"])
def test_alignment_costs_nothing_before_the_drop(resnet18, method):
    expected = PASSES["PGD-AT"] * FORWARD
    assert cost_of_a_step(resnet18, PARTS[method], 0) == pytest.approx(expected, rel=5e-3)


FGSM = {"attack": ATTACK | {"start": "clean", "steps": 1}, "batchnorm": "train"}
JACOBIAN = {
    "JaFR": ({"adversary": None, "jacobian_bias": {"weight": 0.001}}, 6.11),
    "FGSM-AT": ({"adversary": FGSM}, 2 + 3),
    "FGSM+JaFR": ({"adversary": FGSM, "jacobian_bias": {"weight": 0.001}}, 2 + 3 + 6.11),
    "FGSM+GradAlign": (
        {"adversary": FGSM, "gradalign": {"weight": 0.2, "epsilon": 0.03}},
        2 + 3 + 2 + 6.11,
    ),
    "no weight": ({"adversary": None, "jacobian_bias": {"weight": 0}}, 3),
}


@pytest.mark.parametrize(("parts", "passes"), JACOBIAN.values(), ids=JACOBIAN)
def test_a_step_that_differentiates_twice_costs_two_passes_forward_and_back(parts, passes):
    """6.11 and not 6: in the first layer the gradient of the images is needed, too."""
    model = models.build("preact_resnet18_plain_end", 3, 10, 32, seed=0)
    assert cost_of_a_step(model, parts, 0) == pytest.approx(passes * FORWARD, rel=5e-3)
