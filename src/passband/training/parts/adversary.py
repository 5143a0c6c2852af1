"""Adversarial training: the model learns from adversarial examples of itself."""

from typing import Literal

from torch import Tensor

from passband.attacks import craft
from passband.options import AttackName
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register("adversary", role="adversary")
def adversary(batch: Batch, *, attack: AttackName, batchnorm: Literal["eval", "train"]) -> Tensor:
    """Train on adversarial examples of the current model.

    Where label weights are learnt by binary cross-entropy, the attack maximises that.

    Args:
        attack: the attack that makes the examples.
        batchnorm: whether batch normalisation uses running (`eval`) or batch statistics (`train`)
            in the attack's forward passes; the latter move the running statistics, too.
    """
    batch.network.model.train(batchnorm == "train")
    if batch.target_loss == "bce":
        attack = attack | {"loss": "binary_cross_entropy"}
    draws = batch.draws("adversary")
    return craft(attack, batch.network.logits_of, batch.images, batch.targets, draws)
