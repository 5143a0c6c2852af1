"""The fast gradient sign method (Goodfellow et al. 2015)."""

from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf
from passband.attacks.objectives import objective
from passband.attacks.pgd import ascend
from passband.draws import Draws
from passband.options import Share


@ATTACKS.register("fgsm")
def fgsm(
    logits_of: LogitsOf, images: Tensor, labels: Tensor, draws: Draws, *, epsilon: Share
) -> Tensor:
    """One signed step of size epsilon from the clean image.

    Args:
        epsilon: length of the step and radius of the l-infinity ball around the image.
    """
    aim = objective("cross_entropy", logits_of, images, labels)
    return ascend(logits_of, aim, images, images, epsilon, epsilon, steps=1)
