"""The constants of attacks as tables state them."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from passband.text import filled

PIXEL_SIZES = ("epsilon", "step_size")


def constants(attack: Mapping[str, object]) -> str:
    """Every constant of a resolved row of config/attacks.yaml, in words.

    >>> constants({"name": "pgd-20", "attack": "pgd", "epsilon": 8 / 255, "steps": 20})
    'pgd, ε = 8/255, steps 20'
    """
    parts = [str(attack["attack"]).replace("_", " ")]
    for key, value in attack.items():
        if key in ("name", "attack"):
            continue
        words = "ε =" if key == "epsilon" else key.replace("_", " ")
        parts.append(f"{words} {written(key, value)}")
    return ", ".join(parts)


def described(attacks: Iterable[Mapping[str, object]]) -> str:
    """Several attacks that run in turn, each with its constants."""
    return ", then ".join(f"{attack['name']} ({constants(attack)})" for attack in attacks)


def with_constants(text: str, attack: Mapping[str, object]) -> str:
    """A text with an attack's constants in the place of their names in braces.

    >>> with_constants("PGD with ε = {epsilon}", {"epsilon": 0.5})
    'PGD with ε = 1/2'
    """
    return filled(text, {key: written(key, value) for key, value in attack.items()})


def written(key: str, value: object) -> str:
    """A constant of an attack as it is written: sizes of pixels as fractions."""
    if key in PIXEL_SIZES and 0 < value < 1:
        if abs(255 * value - round(255 * value)) < 1e-6:
            return f"{round(255 * value)}/255"
        if float(share := Fraction(value).limit_denominator(20)) == value:
            return str(share)
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
