"""The outer loss of TRADES (Zhang et al. 2019)."""

import torch.nn.functional as F
from torch import Tensor

from passband.attacks.objectives import divergences
from passband.options import NonNegative
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register(
    "trades",
    role="outer loss",
    needs={"": "natural_logits"},
    requires={"": "adversary"},
    excludes={"mixed-sample augmentation": "the loss needs one label per image"},
)
def trades(batch: Batch, *, beta: NonNegative) -> Tensor:
    """Cross-entropy on natural images plus the divergence of the adversarial predictions.

    Args:
        beta: weight of the mean divergence KL(natural ‖ adversarial) (sar, equation 5).
    """
    return trades_loss(batch.natural_logits, batch.logits, batch.labels, beta)


def trades_loss(natural: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    """Cross-entropy on natural images + beta KL(natural ‖ adversarial) (sar, equation 5).

    Args:
        natural: logits of natural images [N, classes].
        adversarial: logits of adversarial images [N, classes]; gradients flow through both.
        labels: int64 [N].
        beta: weight of the divergence.

    Returns:
        Mean over the batch, 0-d.
    """
    return F.cross_entropy(natural, labels) + beta * divergences(natural, adversarial).mean()
