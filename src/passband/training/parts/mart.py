"""The outer loss of MART (Wang et al. 2020)."""

import torch.nn.functional as F
from torch import Tensor

from passband.attacks.objectives import divergences, of_class
from passband.options import NonNegative
from passband.training.batch import Batch
from passband.training.parts import PARTS


@PARTS.register(
    "mart",
    role="outer loss",
    needs={"": "natural_logits"},
    requires={"": "adversary"},
    excludes={"mixed-sample augmentation": "the loss needs one label per image"},
)
def mart(batch: Batch, *, beta: NonNegative) -> Tensor:
    """Boosted cross-entropy on adversarial images plus a divergence, weighted by uncertainty.

    Args:
        beta: weight of the mean divergence KL(natural ‖ adversarial), in which each image counts
            with 1 - the natural probability of its label (sar, equation 6).
    """
    return mart_loss(batch.natural_logits, batch.logits, batch.labels, beta)


def mart_loss(natural: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    """Boosted cross-entropy on adversarial images + beta mean((1 - p_y) KL) (sar, equation 6).

    The boosted cross-entropy adds -log(1 - p) of the most likely wrong class; p_y is the natural
    image's probability of its label. The small constants are those of the authors' code
    (Wang et al. 2020); they keep both logarithm and weight positive.

    Args:
        natural: logits of natural images [N, classes].
        adversarial: logits of adversarial images [N, classes]; gradients flow through both.
        labels: int64 [N].
        beta: weight of the divergence KL(natural ‖ adversarial).

    Returns:
        Mean over the batch, 0-d.
    """
    true = of_class(labels, natural.shape[1])
    likeliest_wrong = adversarial.softmax(1).masked_fill(true, 0).amax(1)
    boosted = F.cross_entropy(adversarial, labels) - (1.0001 - likeliest_wrong).log().mean()
    doubt = 1.0000001 - natural.softmax(1).gather(1, labels[:, None]).squeeze(1)
    return boosted + beta * (doubt * divergences(natural, adversarial)).mean()
