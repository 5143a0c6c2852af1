"""A training problem that a small network learns in few steps, and the recipe that trains it."""

from pathlib import Path

import torch
from torch import Tensor, nn

from passband import compute as compute_module
from passband import models
from passband.compute import Compute
from passband.data.storage import ImageSet
from passband.training.checkpoint import State
from passband.training.engine import train
from passband.training.parts import PARTS

ATTACK = {"name": "pgd-2", "attack": "pgd", "epsilon": 8 / 255, "step_size": 4 / 255, "steps": 2}
ATTACK |= {"start": "uniform"}
RECIPE = {
    "method": "PGD-AT",
    "epochs": 3,
    "batch_size": 64,
    "optimizer": {
        "kind": "sgd",
        "learning_rate": 0.1,
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "nesterov": True,
    },
    "schedule": {"kind": "one-cycle", "warmup": 0.3},
    "augmentation": {"pad": 2, "flip": True},
    "validation": {"fraction": 0.2, "attack": ATTACK},
    "select": "val_robust_accuracy",
    "parts": {"adversary": {"attack": ATTACK, "batchnorm": "eval"}},
    "recorders": {},
}
FLOAT32 = Compute(torch.device("cpu"), torch.float32)


def changed(changes: dict, recipe: dict = RECIPE) -> dict:
    """A resolved recipe with other values; names of parts go to `parts`, None removes one."""
    names = PARTS.names()
    parts = recipe["parts"] | {key: value for key, value in changes.items() if key in names}
    rest = {key: value for key, value in changes.items() if key not in names}
    return recipe | rest | {"parts": {key: value for key, value in parts.items() if value}}


def stripes(count: int = 240) -> ImageSet:
    """Images [N, 1, 16, 16] whose class is their orientation, with noise: learned in few steps."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 2
    wave = (torch.arange(16) // 2 % 2 * 120).expand(16, 16)
    images = torch.where(labels[:, None, None, None] == 0, wave, wave.T)
    noise = torch.randint(0, 100, (count, 1, 16, 16), generator=generator)
    return ImageSet((images + noise).to(torch.uint8), labels, ("across", "down"), "Stripes")


def run(
    checkpoint: Path,
    recipe: dict = RECIPE,
    seed: int = 0,
    sha256: str = "0",
    architecture: str = "resnet8_w8",
    **options,
) -> State:
    """Train a small network on the stripes by `recipe`."""
    return train(
        recipe,
        stripes(),
        models.build(architecture, 1, 2, 16, seed=seed),
        name="stripes",
        seed=seed,
        data_sha256=sha256,
        compute=compute_module.choose(1),
        checkpoint=checkpoint,
        **options,
    )


class Double(Compute):
    """Everything in double precision, so that equal formulas agree to many digits."""

    def place(self, model: nn.Module) -> nn.Module:
        return super().place(model.double())

    def images(self, stored: Tensor) -> Tensor:
        return stored.double() / 255


DOUBLE = Double(torch.device("cpu"), torch.float32)
