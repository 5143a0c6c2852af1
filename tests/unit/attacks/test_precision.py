"""Which precision attacks search in, and that it is enough where they start."""

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from passband.attacks import ATTACKS, LogitsOf, craft, in_float32
from passband.compute import Compute
from passband.draws import Draws
from passband.training.batch import Batch, Network
from passband.training.parts.adversary import adversary

pytestmark = pytest.mark.usefixtures("strict")

BFLOAT16 = Compute(torch.device("cpu"), torch.bfloat16)
FLOAT32 = Compute(torch.device("cpu"), torch.float32)
PGD = {"attack": "pgd", "epsilon": 8 / 255, "step_size": 2 / 255, "steps": 4, "start": "uniform"}
BALL = {"epsilon": 8 / 255}
TARGETED = {"loss": "dlr_targeted", "target_classes": 2, "steps": 3}
CW = {"attack": "cw", "c": 1.0, "kappa": 0.0, "steps": 2, "learning_rate": 0.01, "space": "tanh"}
ROWS = {
    "fgsm": BALL | {"attack": "fgsm"},
    "noise": {"attack": "gaussian_noise", "std": 0.1},
    "pgd": PGD,
    "clean": PGD | {"start": "clean"},
    "kl": PGD | {"loss": "kl"},
    "normal": PGD | {"start": "normal"},
    "normal kl": PGD | {"start": "normal", "loss": "kl"},
    "normal kl twice": PGD | {"start": "normal", "loss": "kl", "restarts": 2},
    "apgd": BALL | TARGETED | {"attack": "apgd"},
    "fab": BALL | {"attack": "fab", "steps": 3, "target_classes": 2},
    "square": BALL | {"attack": "square", "queries": 5, "initial_share": 0.5},
    "cw": CW,
    "fgsm search": {"attack": "fgsm_search", "largest": 1, "sizes": 10, "finer": 2},
    "pgd search": {
        "attack": "pgd_search",
        **{"first": 0.3, "growth": 1.5, "tries": 3, "steps": 2, "step_share": 0.1},
    },
}


@dataclass
class Watched:
    """A network under autocast and without; counts the passes of each."""

    model: nn.Module
    passes: dict[str, int] = field(default_factory=lambda: {"bfloat16": 0, "float32": 0})

    def __call__(self, images: Tensor) -> Tensor:
        self.passes["bfloat16"] += 1
        return BFLOAT16.logits_of(self.model)(images)

    def in_float32(self, images: Tensor) -> Tensor:
        self.passes["float32"] += 1
        return self.model(images)


@pytest.mark.parametrize(
    ("name", "in_bfloat16", "in_float32"),
    [
        ("fgsm", 1, 0),
        ("noise", 0, 0),
        ("pgd", 4, 0),
        ("clean", 4, 0),
        ("kl", 5, 0),
        ("normal", 3, 1),
        ("normal kl", 3, 2),
        ("normal kl twice", 7, 4),
    ],
)
def test_the_passes_in_each_precision(lived_in, name, in_bfloat16, in_float32):
    """The natural predictions and the first step from a thousandth of noise take float32."""
    model, images = lived_in("resnet8_w8", 1, 16), torch.rand(6, 1, 16, 16)
    watched, labels = Watched(model), model(images).argmax(1)
    craft({"name": name} | ROWS[name], watched, images, labels, draws(6))
    assert watched.passes == {"bfloat16": in_bfloat16, "float32": in_float32}


@pytest.mark.parametrize("name", ["apgd", "fab", "square", "cw", "fgsm search", "pgd search"])
def test_attacks_that_follow_the_boundary_search_in_float32(lived_in, name):
    model, images = lived_in("resnet8_w8", 1, 16), torch.rand(6, 1, 16, 16)
    watched, labels = Watched(model), model(images).argmax(1)
    craft({"name": name} | ROWS[name], watched, images, labels, draws(6))
    assert watched.passes["bfloat16"] == 0 and watched.passes["float32"] > 1


def test_every_attack_is_watched_here():
    assert {row["attack"] for row in ROWS.values()} == set(ATTACKS.names())


def test_both_precisions_of_a_network_are_at_hand():
    model = nn.Linear(4, 4)
    assert in_float32(BFLOAT16.logits_of(model)) is model
    assert FLOAT32.logits_of(model) is model and in_float32(model) is model


def draws(count: int) -> Draws:
    return Draws(0, torch.arange(count))


def bright(count: int = 50) -> tuple[nn.Module, Tensor, Tensor]:
    """(linear network, images [N, 1, 2, 2], labels): pixels in which bfloat16 steps by 1/256.

    A thousandth of noise is rounded away in 95 % of such pixels. At the images themselves all
    logits are exactly 0, so the divergence from there has a gradient of exactly 0.
    """
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4, bias=False)).requires_grad_(False)
    signs = [[1, -1, 1, -1], [1, 1, -1, -1], [-1, 1, 1, -1], [-1, -1, 1, 1]]
    model[1].weight.copy_(torch.tensor(signs))
    images = torch.full((count, 1, 2, 2), 0.75)
    return model, images, torch.zeros(count, dtype=torch.int64)


def rounded(model: nn.Module) -> LogitsOf:
    """The network under autocast, without a way out of it."""
    forward = BFLOAT16.logits_of(model)
    return lambda images: forward(images)


def stand_still(attack: dict, logits_of: LogitsOf, images: Tensor, labels: Tensor) -> Tensor:
    """The images that stay within their start."""
    found = craft({"name": "mine"} | attack, logits_of, images, labels, draws(len(images)))
    return (found - images).abs().amax((1, 2, 3)) < attack["step_size"] / 2


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_no_image_stands_still_that_float32_moves(steps):
    model, images, labels = bright()
    attack = ROWS["normal kl"] | {"steps": steps}
    assert not stand_still(attack, model, images, labels).any()
    assert not stand_still(attack, BFLOAT16.logits_of(model), images, labels).any()
    assert stand_still(attack, rounded(model), images, labels).float().mean() > 0.5


@pytest.mark.parametrize("loss", ["kl", "cross_entropy", "margin"])
def test_the_first_step_from_a_normal_start_is_that_of_float32(lived_in, loss):
    model, images = lived_in("resnet8_w8"), 0.5 + torch.rand(12, 3, 32, 32) / 2
    attack = {"name": "mine"} | PGD | {"start": "normal", "steps": 1, "loss": loss}
    labels = model(images).argmax(1)
    found, wanted, in_bfloat16 = (
        craft(attack, logits_of, images, labels, draws(12))
        for logits_of in (BFLOAT16.logits_of(model), model, rounded(model))
    )
    assert torch.equal(found, wanted) and not torch.equal(in_bfloat16, wanted)


def test_training_crafts_its_examples_in_the_same_way():
    model, images, labels = bright()
    logits_of = BFLOAT16.logits_of(model)
    network = Network(model, logits_of, logits_of, None, 4, BFLOAT16)
    batch = Batch(network, images, labels, torch.arange(50), 0, 0, 0, False, False)
    attack = {"name": "kl-10"} | ROWS["normal kl"] | {"steps": 10}
    found = adversary(batch, attack=attack, batchnorm="eval")
    assert ((found - images).abs().amax((1, 2, 3)) > attack["step_size"] / 2).all()
