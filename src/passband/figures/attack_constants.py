"""The constants of attacks as tables state them."""

from collections.abc import Iterable, Mapping

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
        parts.append(f"{words} {_written(key, value)}")
    return ", ".join(parts)


def described(attacks: Iterable[Mapping[str, object]]) -> str:
    """Several attacks that run in turn, each with its constants."""
    return ", then ".join(f"{attack['name']} ({constants(attack)})" for attack in attacks)


def _written(key: str, value: object) -> str:
    if key in PIXEL_SIZES and abs(255 * value - round(255 * value)) < 1e-6 and 0 < value < 1:
        return f"{round(255 * value)}/255"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")
