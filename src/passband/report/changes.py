"""What a scale changes, in words of its own file."""

import json
from collections.abc import Mapping

from passband.text import listed


def substitutions(scale: Mapping, titles: Mapping[str, str]) -> list[dict]:
    """What stands in for what: kind, here, and the papers' names for which one thing stands."""
    stand_ins: dict[tuple[str, str], list[str]] = {}
    for kind in ("datasets", "architectures"):
        for paper, here in (scale.get(kind) or {}).items():
            names = stand_ins.setdefault((kind, titles.get(here, here)), [])
            names.append(titles.get(paper, paper))
    return [
        {"kind": kind, "paper": papers, "here": here} for (kind, here), papers in stand_ins.items()
    ]


def changes(scale: Mapping) -> list[dict]:
    """What the scale trains with and how it shortens trainings and measurements, in its words."""
    attacks: dict[str, list[str]] = {}
    for paper, here in (scale.get("training_attacks") or {}).items():
        attacks.setdefault(here, []).append(paper)
    found = [
        {"what": f"training against {listed(papers)}", "how": [f"{here} in place of the attack"]}
        for here, papers in attacks.items()
    ]
    sizes = {
        f"{split} images": scale[f"{split}_images"]
        for split in ("train", "test")
        if scale.get(f"{split}_images")
    }
    found += [{"what": "every data set", "how": _flat(sizes)}] if sizes else []
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
