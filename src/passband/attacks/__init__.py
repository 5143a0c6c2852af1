"""Attacks, one file each, with a common signature.

    attack(logits_of, images, labels, draws, **constants) -> adversarial images

`logits_of` maps float images [N, C, H, W] in [0, 1] to logits [N, classes] (a frozen model, in
the precision of the caller's choice); `labels` int64 [N]; `draws` gives random numbers per image.
The result lies in [0, 1] and in the attack's ball; an image that the attack cannot fool comes back
as the attack left it. Gradients are taken with respect to the images only.

An attack that continues with only some images of its batch is registered with `drops_images=True`;
an attack with several restarts does so, too. Both are refused for networks with batch moments.
"""

from collections.abc import Callable

from torch import Tensor

from passband.draws import Draws
from passband.registry import Registry

LogitsOf = Callable[[Tensor], Tensor]
ATTACKS = Registry("attack", __name__)


def exact(attack: Callable) -> Callable:
    """Decorator: the attack needs logits in float32.

    Attacks that follow the decision boundary or compare margins lose it in bfloat16: on 71 images
    of a robust network FAB left 57 standing instead of 44, Square 59 instead of 47.
    """
    attack.exact = True
    return attack


def is_exact(attack: dict) -> bool:
    """Whether a resolved attack needs logits in float32 (see `exact`)."""
    return getattr(ATTACKS[attack["attack"]], "exact", False)


def in_float32(logits_of: LogitsOf) -> LogitsOf:
    """The same network in float32, where `logits_of` runs it in a lower precision."""
    return getattr(logits_of, "in_float32", logits_of)


def craft(
    attack: dict, logits_of: LogitsOf, images: Tensor, labels: Tensor, draws: Draws
) -> Tensor:
    """Run a resolved attack: adversarial images [N, C, H, W] in [0, 1].

    It searches in the precision of `logits_of`, or in float32 if it needs that (see `exact`).
    """
    constants = {key: value for key, value in attack.items() if key not in ("name", "attack")}
    if is_exact(attack):
        logits_of = in_float32(logits_of)
    return ATTACKS[attack["attack"]](logits_of, images, labels, draws, **constants)


def describe(attack: dict) -> str:
    """A resolved attack as part of a measurement's condition, every constant named.

    >>> describe({"name": "fgsm", "attack": "fgsm", "epsilon": 8 / 255})
    'attack=fgsm;epsilon=0.0313725'
    """
    constants = {key: value for key, value in attack.items() if key not in ("name", "attack")}
    texts = {
        key: f"{value:.6g}" if isinstance(value, float) else value
        for key, value in constants.items()
    }
    return ";".join([f"attack={attack['name']}", *(f"{key}={text}" for key, text in texts.items())])
