"""Attacks: one file each, one signature.

    attack(logits_of, images, labels, draws, **constants) -> adversarial images

`logits_of` maps float images [N, C, H, W] in [0, 1] to logits [N, classes] (a frozen model, in
the precision of the caller's choice); `labels` int64 [N]; `draws` gives random numbers per image.
The result lies in [0, 1] and in the attack's ball; an image that the attack cannot fool comes back
as the attack left it. Gradients are taken with respect to the images only.
"""

from collections.abc import Callable

from torch import Tensor

from passband.errors import UserError
from passband.numbers import number
from passband.random import Draws
from passband.registry import Registry

LogitsOf = Callable[[Tensor], Tensor]
ATTACKS = Registry("attack", __name__)

RANGES = {
    "epsilon": (0.0, 1.0),
    "step_size": (0.0, 1.0),
    "steps": (1, 10_000),
    "restarts": (1, 1_000),
}


def resolve(name: str, row: dict) -> dict:
    """Check a row of config/attacks.yaml and turn fractions such as "8/255" into numbers.

    Raises UserError that names the attack, the key and the allowed range.
    """
    ATTACKS[row["attack"]]
    resolved = {"name": name} | row
    for key, (low, high) in RANGES.items():
        if key in row:
            resolved[key] = number(row[key])
            if not low <= resolved[key] <= high:
                raise UserError(
                    f"attack '{name}': {key} is {row[key]}, expected a value from {low} to {high}; "
                    "edit config/attacks.yaml."
                )
    return resolved


def craft(
    attack: dict, logits_of: LogitsOf, images: Tensor, labels: Tensor, draws: Draws
) -> Tensor:
    """Run a resolved attack: adversarial images [N, C, H, W] in [0, 1]."""
    constants = {key: value for key, value in attack.items() if key not in ("name", "attack")}
    return ATTACKS[attack["attack"]](logits_of, images, labels, draws, **constants)
