"""Adversarial training: the model learns from adversarial examples of itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from passband.attacks import craft
from passband.draws import on_device, timely
from passband.options import AttackName, Epochs
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register("adversary", role="adversary", attack_has={"warmup!=0": "epsilon"})
def adversary(
    batch: Batch,
    *,
    attack: AttackName,
    batchnorm: Literal["eval", "train"],
    warmup: Epochs = 0,
) -> Tensor:
    """Train on adversarial examples of the current model.

    Where label weights are learnt by binary cross-entropy, the attack maximises that.

    Args:
        attack: the attack that makes the examples.
        batchnorm: whether batch normalisation uses running (`eval`) or batch statistics (`train`)
            in the attack's forward passes; the latter move the running statistics, too.
        warmup: number of epochs in which the attack's epsilon grows linearly, from 0 at the first
            step.
    """
    batch.network.model.train(batchnorm == "train")
    if warmup:
        share = on_device(
            timely(_grown, batch.progress, warmup), torch.float64, batch.images.device
        )
        attack = attack | {"epsilon": attack["epsilon"] * share}
    if batch.target_loss == "bce":
        attack = attack | {"loss": "binary_cross_entropy"}
    draws = batch.draws("adversary")
    with without_gradients(batch.network.model):
        return craft(attack, batch.network.attacked, batch.images, batch.targets, draws)


def _grown(progress: float, warmup: int) -> float:
    return min(progress / warmup, 1.0)


@contextmanager
def without_gradients(model: nn.Module) -> Iterator[None]:
    """Freeze all parameters within the block: compiled passes compute no gradients of them."""
    changed = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in changed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in changed:
            parameter.requires_grad_(True)
