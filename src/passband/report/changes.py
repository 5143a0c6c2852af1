"""What a scale changes, in words of its own file."""

import json
from collections.abc import Mapping


def substitutions(scale: Mapping, titles: Mapping[str, str]) -> list[dict]:
    """What stands in for what: kind, here, and the papers' names for which one thing stands.

    The attacks of training come first, since every robust model depends on them.
    """
    stand_ins: dict[tuple[str, str], list[str]] = {}
    for kind in ("training_attacks", "datasets", "architectures"):
        for paper, here in (scale.get(kind) or {}).items():
            names = stand_ins.setdefault((kind, titles.get(here, here)), [])
            names.append(titles.get(paper, paper))
    return [
        {"kind": kind, "paper": papers, "here": here} for (kind, here), papers in stand_ins.items()
    ]


def changes(scale: Mapping) -> list[dict]:
    """How the scale shortens trainings and measurements, in words of its own file."""
    found = []
    sizes = {
        f"{split} images": scale[f"{split}_images"]
        for split in ("train", "test")
        if scale.get(f"{split}_images")
    }
    if sizes:
        found.append({"what": "every data set", "how": _flat(sizes)})
    for kind, noun in (("recipes", "recipe"), ("probes", "probe")):
        for name, overrides in (scale.get(kind) or {}).items():
            what = f"every {noun}" if name == "*" else f"{noun} {name}"
            found.append({"what": what, "how": _flat(overrides)})
    return found


def _flat(overrides: Mapping, path: str = "") -> list[str]:
    """
    >>> _flat({"epochs": 2, "schedule": {"kind": "one-cycle"}})
    ['epochs 2', 'schedule kind one-cycle']
    """
    parts = []
    for key, value in overrides.items():
        words = f"{path}{str(key).replace('_', ' ')} "
        if isinstance(value, Mapping):
            parts += _flat(value, words)
        else:
            parts.append(f"{words}{json.dumps(value) if isinstance(value, bool) else value}")
    return parts
