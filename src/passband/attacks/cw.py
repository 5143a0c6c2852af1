"""The l2 attack of Carlini and Wagner (2017, "Towards evaluating the robustness of neural
networks", section VI.A), untargeted, with a fixed constant c, in pixel space.

The authors optimise w with x = (tanh(w) + 1) / 2, so that x stays in [0, 1]. A pixel x then moves
by 2 x (1 - x) times the step of w: half of it at mid grey, and not at all where the pixel is 0 or
1, as most of Fashion-MNIST is. Here x itself is moved and clipped, every pixel by half the
learning rate, which leaves the published constant its meaning at mid grey.
"""

import torch
from torch import Tensor

from passband.attacks import ATTACKS, LogitsOf, exact
from passband.attacks.objectives import margins
from passband.attacks.standing import per_image
from passband.draws import Draws
from passband.options import LearningRate, NonNegative, Steps

DECAYS, SMALLEST = (0.9, 0.999), 1e-8  # Adam's betas and epsilon (Kingma and Ba 2015)


@ATTACKS.register("cw")
@exact
def cw(
    logits_of: LogitsOf,
    images: Tensor,
    labels: Tensor,
    draws: Draws,
    *,
    c: NonNegative,
    kappa: NonNegative,
    steps: Steps,
    learning_rate: LearningRate,
) -> Tensor:
    """Minimise |x - image|_2^2 + c max(z_y - max z_other + kappa, 0) by `steps` steps of Adam.

    Returns for each image the nearest point seen, in the l2 norm, at which another class leads by
    more than kappa; the image itself where there was none, or where it is one. No bound on the
    perturbation is set: c weighs the error against the distance (logits against squared pixel
    values), and at c = 1e-4 the distance wins and next to nothing is fooled. No draw is used, and
    every image has its own moments and its own best point, so the batch does not matter.

    With kappa = 0 the results lie close to the boundary, closer than bfloat16 tells sides apart:
    `logits_of` should have the precision in which they are judged.

    Args:
        c: weight of the error against the squared distance.
        kappa: margin by which another class must lead.
        steps: number of gradient steps.
        learning_rate: step size of Adam.
    """
    best, nearest = images.clone(), torch.full_like(images[:, 0, 0, 0], torch.inf)
    first, second = torch.zeros_like(images), torch.zeros_like(images)
    x = images
    for step in range(steps + 1):
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            margin = margins(logits_of(x), labels)
            shortfall = (kappa - margin).clamp(min=0).sum()
        perturbation = x.detach() - images
        distance = perturbation.square().sum((1, 2, 3))
        nearer = (margin.detach() > kappa) & (distance < nearest)
        best = torch.where(per_image(nearer), x.detach(), best)
        nearest = torch.where(nearer, distance, nearest)
        if step == steps:
            break
        (slope,) = torch.autograd.grad(shortfall, x)
        gradient = 2 * perturbation + c * slope
        first = DECAYS[0] * first + (1 - DECAYS[0]) * gradient
        second = DECAYS[1] * second + (1 - DECAYS[1]) * gradient.square()
        direction, size = (
            moment / (1 - decay ** (step + 1))
            for moment, decay in zip((first, second), DECAYS, strict=True)
        )
        x = x.detach() - learning_rate / 2 * direction / (size.sqrt() + SMALLEST)
        x = x.clamp_(0, 1)
    return best
