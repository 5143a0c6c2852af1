"""Gradient alignment (GradAlign, Andriushchenko and Flammarion 2020), a baseline of jafr."""

import torch
import torch.nn.functional as F
from torch import Tensor

from passband.options import Positive, Share
from passband.training.batch import Batch, input_gradients
from passband.training.parts import PARTS
from passband.training.proxy import proxy


@PARTS.register(
    "gradalign",
    role="regulariser",
    requires={"": "adversary"},
    excludes={
        "quantization": "rounding has no second derivative",
        "mixed-sample augmentation": "it needs one label per image",
    },
)
def gradalign(batch: Batch, *, weight: Positive, epsilon: Share) -> Tensor:
    """Penalise the angle between the input gradients at the image and near it.

    1 - the cosine of the gradients of the cross-entropy at the image before the attack and at a
    uniform random point of the ball around it, which may lie outside [0, 1]. No gradient flows
    through the first one, as in the authors' training with FGSM. Its pass leaves the running batch
    statistics alone, since in the authors' code it is the attack's; that at the random point moves
    them.

    Args:
        weight: weight of the penalty in the loss.
        epsilon: radius of the l-infinity ball.
    """
    images, model = batch.images.detach().requires_grad_(), proxy(batch.network.model)
    loss = F.cross_entropy(model(images), batch.labels, reduction="sum")
    (here,) = torch.autograd.grad(loss, images)
    noise = 2 * batch.draws("gradalign").uniform("point", tuple(images.shape[1:])) - 1
    point = (images.detach() + epsilon * noise).requires_grad_()
    there = input_gradients(batch.network.model(point), batch.labels, point)
    return weight * disagreement(here, there)


def disagreement(one: Tensor, other: Tensor) -> Tensor:
    """1 - cosine of the angle between gradients of the same image, averaged over the batch.

    Images that have no gradient at one of the two places are left out; 0 if none is left.

    Args:
        one, other: float [B, C, H, W].

    Returns:
        0-d, from 0 to 2.
    """
    one, other = one.flatten(1), other.flatten(1)
    lengths = [part.norm(dim=1) for part in (one, other)]
    usable = (lengths[0] > 0) & (lengths[1] > 0)
    first, second = (
        part / length.where(usable, 1)[:, None]
        for part, length in zip((one, other), lengths, strict=True)
    )
    angles = (1 - (first * second).sum(1)).where(usable, 0)
    return angles.sum() / usable.sum().clamp(min=1)
