"""Adversarial training: the model learns from adversarial examples of itself."""

from typing import Literal

from torch import Tensor

from passband.attacks import craft
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
    if batch.progress < warmup:
        attack = attack | {"epsilon": attack["epsilon"] * batch.progress / warmup}
    if batch.target_loss == "bce":
        attack = attack | {"loss": "binary_cross_entropy"}
    draws = batch.draws("adversary")
    return craft(attack, batch.network.logits_of, batch.images, batch.targets, draws)
