"""Learning-rate schedules, and the epoch of the first large drop.

    schedule(epoch, epochs, **keys) -> share of the peak learning rate, at least 0

`epoch` counts from 0 and may be fractional, `epochs` is the length of the training:
0 <= epoch < epochs. Needs no torch, so that plans can use it.
"""

import math
from collections.abc import Mapping

from passband.errors import UserError
from passband.options import NonNegative, Positive, Share
from passband.registry import Registry

SCHEDULES = Registry("schedule", "passband.training.schedules")


@SCHEDULES.register("constant")
def constant(epoch: float, epochs: int) -> float:
    """The peak rate throughout."""
    return 1.0


@SCHEDULES.register("steps")
def steps(
    epoch: float, epochs: int, *, milestones: list[NonNegative], factors: list[Positive]
) -> float:
    """Multiply the rate by a factor at each milestone.

    Args:
        milestones: epochs, counted from 0, at which the rate changes.
        factors: the factor at each milestone.

    Raises:
        UserError: unless there are as many factors as milestones.
    """
    if len(milestones) != len(factors):
        raise UserError(
            f"the schedule has {len(milestones)} milestones and {len(factors)} factors, expected "
            "as many of each."
        )
    passed = zip(milestones, factors, strict=True)
    return math.prod((factor for start, factor in passed if epoch >= start), start=1.0)


@SCHEDULES.register("one-cycle")
def one_cycle(epoch: float, epochs: int, *, warmup: Share) -> float:
    """Rise linearly from 0 to the peak, then decay to 0 along half a cosine.

    Args:
        warmup: share of the training in which the rate rises.
    """
    progress = epoch / epochs
    if progress < warmup:
        return progress / warmup
    return (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


@SCHEDULES.register("cyclic")
def cyclic(epoch: float, epochs: int) -> float:
    """Rise linearly from 0 to the peak over two fifths of the epochs, then fall linearly to 0.

    The schedule of fast adversarial training (Wong, Rice, Kolter 2020, authors' code); the peak is
    at a whole epoch.
    """
    peak = 2 * epochs // 5
    return epoch / peak if epoch < peak else (epochs - epoch) / (epochs - peak)


def rate_share(schedule: Mapping, epoch: float, epochs: int) -> float:
    """The share of the peak learning rate at an epoch of a resolved recipe's schedule."""
    options = {key: value for key, value in schedule.items() if key != "kind"}
    return SCHEDULES[schedule["kind"]](epoch, epochs, **options)


def first_drop(schedule: Mapping, epochs: int) -> int | None:
    """The first epoch after the peak that begins at a quarter of the peak rate or less.

    That is the first milestone with a factor of 1/10, and 77 % of a one-cycle schedule whose
    warm-up takes 30 % (sar, section VI-b, begins its alignment and averaging at the drop). Epoch 0
    does not count. None if there is no such epoch.
    """
    rates = [rate_share(schedule, epoch, epochs) for epoch in range(epochs)]
    risen = max(1, rates.index(max(rates)))
    return next((epoch for epoch in range(risen, epochs) if rates[epoch] <= 0.25 + 1e-9), None)
