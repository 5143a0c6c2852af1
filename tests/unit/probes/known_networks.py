"""Networks whose answers are known, images for them, and rows as the plan resolves them."""

import torch
from torch import Tensor, nn

from passband.compute import Compute
from passband.evaluation import frozen
from passband.plan.rows import resolve_row
from passband.probes import Subject

FLOAT32 = Compute(torch.device("cpu"), torch.float32)
RECIPE = {
    "method": "any",
    "epochs": 3,
    "batch_size": 6,
    "optimizer": {
        "kind": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "nesterov": False,
    },
    "schedule": {"kind": "steps", "milestones": [2], "factors": [0.1]},
    "augmentation": {"pad": 2, "flip": True},
    "validation": {"fraction": 0},
    "select": "last",
    "recorders": {},
}


class Counting(nn.Module):
    """Hands its inputs to a function and counts the images that it saw."""

    def __init__(self, function):
        super().__init__()
        self.function, self.images = function, 0

    def forward(self, x: Tensor) -> Tensor:
        self.images += len(x)
        return self.function(x)


def two_classes(second: Tensor) -> Tensor:
    """Logits that choose class 1 where `second` [N] is positive, else class 0."""
    return torch.stack([torch.zeros_like(second), second], dim=1)


def subject(model, images, labels=None, perturbation=None, classes=("no", "yes")) -> Subject:
    """A network to measure, as it is."""
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return Subject(model, images, labels, classes, 0, FLOAT32, perturbation)


def trained_subject(trained: nn.Module, images: Tensor, labels: Tensor | None = None) -> Subject:
    """A trained network to measure: frozen, and as it was trained."""
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return Subject(frozen(trained), images, labels, ("a", "b"), 0, FLOAT32, trained=trained)


def grey(count: int, channels: int = 1, side: int = 8) -> Tensor:
    """Constant uint8 images."""
    return torch.full((count, channels, side, side), 128, dtype=torch.uint8)


def noisy(count: int, channels: int = 3, side: int = 16) -> Tensor:
    """Random uint8 images."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, channels, side, side), generator=generator).byte()


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def attack_row(name: str, **row: object) -> dict:
    """A resolved attack; pgd with two steps unless `row` says otherwise."""
    pgd = {"attack": "pgd", "epsilon": "8/255", "step_size": "4/255", "steps": 2}
    return resolve_row("attack", name, pgd | {"start": "uniform"} | row, {})


def filter_row(keep: str, bandwidth: int | str) -> dict:
    """A resolved square filter, named after what it keeps."""
    row = {"shape": "square", "keep": keep, "bandwidth": bandwidth}
    return resolve_row("filter", f"{keep}-{bandwidth}", row, {})


def disc_row(keep: str, radius: int = 4) -> dict:
    """A resolved disc, named after what it keeps."""
    row = {"shape": "disc", "keep": keep, "radius": radius}
    return resolve_row("filter", f"disc-{keep}-{radius}", row, {})
