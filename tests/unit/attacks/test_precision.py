"""Which precision attacks search in, and that it is enough where they start."""

from dataclasses import dataclass, field

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from passband import models
from passband.attacks import ATTACKS, craft, in_float32
from passband.compute import Compute
from passband.data.preparation import prepare
from passband.data.storage import load
from passband.draws import Draws
from passband.evaluation import perturbations

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


@pytest.mark.parametrize("name", ["apgd", "fab", "square", "cw"])
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


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """(trained network, uint8 test images [500, 1, 32, 32], their labels).

    Trained until it is confident: its predictions then change little within a thousandth.
    """
    folder = tmp_path_factory.mktemp("data")
    prepare("fashion-mnist-sample", folder)
    train, test = load(folder, "train"), load(folder, "test")
    model = models.build("resnet8_w8", 1, 10, 32, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step in range(120):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 120)
        chosen = torch.arange(64 * step, 64 * (step + 1))
        optimizer.zero_grad()
        F.cross_entropy(model(train.images[chosen] / 255), train.labels[chosen]).backward()
        optimizer.step()
    model.eval().requires_grad_(False)
    return model, test.images[:500], test.labels[:500]


def stand_still(attack: dict, subject, compute: Compute) -> Tensor:
    """The images that stay within their start, a thousandth of noise."""
    found = perturbations(*subject, {"name": "mine"} | attack, 0, compute)
    return found.abs().amax((1, 2, 3)) < attack["step_size"] / 2


@pytest.mark.parametrize("steps", [1, 3])
def test_no_image_stands_still_that_float32_moves(subject, steps):
    attack = ROWS["normal kl"] | {"steps": steps}
    still = stand_still(attack, subject, FLOAT32)
    assert torch.equal(stand_still(attack, subject, BFLOAT16), still)
    model, images, labels = subject
    rounded = Compute(torch.device("cpu"), torch.bfloat16).logits_of(model)
    del rounded.in_float32
    moved = craft({"name": "mine"} | attack, rounded, images / 255, labels, draws(500))
    stuck = (moved - images / 255).abs().amax((1, 2, 3)) < attack["step_size"] / 2
    print(still.float().mean(), stuck.float().mean())
    assert stuck.sum() > still.sum(), "in bfloat16 alone some would"
