"""Optimisers: one function each.

    optimiser(groups, *, learning_rate, ...) -> torch.optim.Optimizer

`groups` are parameter groups as PyTorch takes them. A group without `lr` and `weight_decay` of its
own gets those of the recipe. Every optimiser takes `learning_rate`, the peak of the schedule.
One that is registered with `replayable=False` cannot be part of a CUDA graph; the state of all
others begins with zeros (see `passband.training.replay.undone`).
"""

import torch
from torch import Tensor, optim
from torch.optim import Optimizer

from passband.options import LearningRate, Momentum, NonNegative, Positive, Share
from passband.registry import Registry

OPTIMISERS = Registry("optimiser", "passband.training.optimisers")


def make_replayable(optimizer: Optimizer, device: torch.device) -> None:
    """Move learning rates and step counts to the device: updates can be captured as CUDA graphs."""
    for group in optimizer.param_groups:
        group["lr"] = torch.tensor(group["lr"], dtype=torch.float32, device=device)
        if "capturable" in group:
            group["capturable"] = True


def set_rates(optimizer: Optimizer, rates: list[float]) -> None:
    """Set the learning rate of each group, in place if it is a tensor."""
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


@OPTIMISERS.register("sgd", above_zero={"nesterov=True": "momentum"})
def sgd(
    groups: list[dict],
    *,
    learning_rate: LearningRate,
    momentum: Momentum,
    weight_decay: NonNegative,
    nesterov: bool,
) -> Optimizer:
    """Stochastic gradient descent with momentum.

    Args:
        learning_rate: peak learning rate.
        momentum: momentum factor.
        weight_decay: L2 penalty; this multiple of the weights is added to their gradient.
        nesterov: whether the momentum is Nesterov's; needs a momentum above 0.
    """
    return optim.SGD(
        groups,
        lr=learning_rate,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=nesterov,
        fused=True,
    )


@OPTIMISERS.register("adam")
def adam(
    groups: list[dict],
    *,
    learning_rate: LearningRate,
    beta1: Momentum,
    beta2: Momentum,
    epsilon: Positive,
    weight_decay: NonNegative,
) -> Optimizer:
    """Adam (Kingma and Ba 2015).

    Args:
        learning_rate: peak learning rate.
        beta1: decay of the mean gradient, below 1.
        beta2: decay of the mean squared gradient, below 1.
        epsilon: added to the denominator.
        weight_decay: L2 penalty; this multiple of the weights is added to their gradient.
    """
    return optim.Adam(
        groups,
        lr=learning_rate,
        betas=(beta1, beta2),
        eps=epsilon,
        weight_decay=weight_decay,
        fused=True,
    )


@OPTIMISERS.register("adagrad", replayable=False)
def adagrad(
    groups: list[dict],
    *,
    learning_rate: LearningRate,
    learning_rate_decay: NonNegative,
    initial_accumulator: NonNegative,
    epsilon: Positive,
    weight_decay: NonNegative,
) -> Optimizer:
    """AdaGrad (Duchi, Hazan, Singer 2011).

    Args:
        learning_rate: peak learning rate.
        learning_rate_decay: the rate is divided by 1 + this times the number of past updates.
        initial_accumulator: initial value of the sums of squared gradients.
        epsilon: added to the denominator.
        weight_decay: L2 penalty; this multiple of the weights is added to their gradient.
    """
    return optim.Adagrad(
        groups,
        lr=learning_rate,
        lr_decay=learning_rate_decay,
        weight_decay=weight_decay,
        initial_accumulator_value=initial_accumulator,
        eps=epsilon,
    )


@OPTIMISERS.register("adadelta")
def adadelta(
    groups: list[dict],
    *,
    learning_rate: LearningRate,
    rho: Share,
    epsilon: Positive,
    weight_decay: NonNegative,
) -> Optimizer:
    """AdaDelta (Zeiler 2012).

    Args:
        learning_rate: peak factor of the updates; 1 is the published method.
        rho: decay of the mean squared gradients and updates.
        epsilon: added under both roots.
        weight_decay: L2 penalty; this multiple of the weights is added to their gradient.
    """
    return optim.Adadelta(groups, lr=learning_rate, rho=rho, eps=epsilon, weight_decay=weight_decay)


@OPTIMISERS.register("rmsprop")
def rmsprop(
    groups: list[dict],
    *,
    learning_rate: LearningRate,
    alpha: Share,
    momentum: Momentum,
    centered: bool,
    epsilon: Positive,
    weight_decay: NonNegative,
) -> Optimizer:
    """RMSprop (Hinton 2012).

    Args:
        learning_rate: peak learning rate.
        alpha: decay of the mean squared gradient.
        momentum: momentum factor.
        centered: whether gradients are divided by their standard deviation, not their root mean
            square.
        epsilon: added to the denominator.
        weight_decay: L2 penalty; this multiple of the weights is added to their gradient.
    """
    return optim.RMSprop(
        groups,
        lr=learning_rate,
        alpha=alpha,
        eps=epsilon,
        weight_decay=weight_decay,
        momentum=momentum,
        centered=centered,
    )
