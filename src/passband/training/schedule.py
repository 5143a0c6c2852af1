"""Learning rate as a function of training progress."""

import math


def learning_rate(schedule: dict, peak: float, epoch: float, epochs: int) -> float:
    """The learning rate at a (fractional) epoch 0 <= epoch < epochs.

    kind "steps": `peak`, multiplied by each factor from its milestone epoch on.
    kind "one-cycle": linear from 0 to `peak` over the first `warmup` share, then half a cosine
    down to 0.
    """
    if schedule["kind"] == "steps":
        passed = zip(schedule["milestones"], schedule["factors"], strict=True)
        return peak * math.prod(factor for start, factor in passed if epoch >= start)
    progress, warmup = epoch / epochs, schedule["warmup"]
    if progress < warmup:
        return peak * progress / warmup
    return peak * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2
