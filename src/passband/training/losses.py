"""Outer losses that need the logits of both the natural and the adversarial images.

    loss(natural, adversarial, labels, beta) -> 0-d mean over the batch

natural, adversarial: logits [N, classes]; gradients flow through both. labels int64 [N].
"""

import torch.nn.functional as F
from torch import Tensor

from passband.attacks.objectives import divergences


def trades(natural: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    """Cross-entropy on natural images + beta KL(natural ‖ adversarial) (sar, equation 5)."""
    return F.cross_entropy(natural, labels) + beta * divergences(natural, adversarial).mean()


def mart(natural: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    """Boosted cross-entropy on adversarial images + beta mean((1 - p_y) KL) (sar, equation 6).

    The boosted cross-entropy adds -log(1 - p) of the likeliest wrong class; p_y is the natural
    image's probability of its label. The small constants are those of the authors' code
    (Wang et al. 2020); they keep both logarithm and weight positive.
    """
    true = F.one_hot(labels, natural.shape[1]).bool()
    likeliest_wrong = adversarial.softmax(1).masked_fill(true, 0).amax(1)
    boosted = F.cross_entropy(adversarial, labels) - (1.0001 - likeliest_wrong).log().mean()
    doubt = 1.0000001 - natural.softmax(1).gather(1, labels[:, None]).squeeze(1)
    return boosted + beta * (doubt * divergences(natural, adversarial)).mean()


LOSSES = {"trades": trades, "mart": mart}
