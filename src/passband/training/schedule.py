"""Learning rate as a function of training progress, and what hangs on it."""

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


def first_drop(schedule: dict, epochs: int) -> int | None:
    """The first epoch but epoch 0 that begins, after the peak, at a quarter of the peak rate
    or less.

    That is the first milestone with a factor of 1/10, and 77 % of a one-cycle schedule whose
    warm-up takes 30 %. From there on sar aligns spectra and averages weights (section VI-b). None
    if there is no such epoch.
    """
    rates = [learning_rate(schedule, 1.0, epoch, epochs) for epoch in range(epochs)]
    risen = max(1, rates.index(max(rates)))
    return next((epoch for epoch in range(risen, epochs) if rates[epoch] <= 0.25 + 1e-9), None)


def aligned_from(recipe: dict) -> int | None:
    """The first epoch, counted from 0, in which a resolved recipe aligns spectra.

    None if it never does: without `alignment`, or with a coefficient of 0.
    """
    if recipe.get("alignment", {}).get("coefficient", 0) == 0:
        return None
    return first_drop(recipe["schedule"], recipe["epochs"])


def common_part(recipe: dict) -> dict:
    """What a recipe does before the first drop: the recipe without the parts that start there.

    Recipes with the same common part train alike up to that epoch, and can fork there.
    """
    late = ("method", "alignment", "weight_average")
    return {key: value for key, value in recipe.items() if key not in late}
