"""The recipes of all papers, each with a small network of the family that it trains."""

import json
from pathlib import Path

from passband.plan import plan, read_yaml, scale_config

ROOT = Path(__file__).resolve().parents[3]


def trainings() -> dict[str, tuple[str, dict]]:
    """Every training of the papers, by name: a small network and the recipe.

    Trainings whose steps differ only in rates and coefficients are represented by one of them.
    Attacks take two steps, since all of their steps are alike.
    """
    config = read_yaml(ROOT / "config/config.yaml")
    small = read_yaml(ROOT / "config/scales/smoke.yaml")["architectures"]
    found, seen = {}, set()
    planned = plan(scale_config(config | {"scale": "paper"}, ROOT), ROOT)
    for name, row in planned.trainings.items():
        recipe = row["recipe"]
        for part in recipe["parts"].values():
            if "attack" in part:
                part["attack"] = part["attack"] | {"steps": 2}
        step = {key: recipe[key] for key in ("optimizer", "augmentation", "parts")}
        network = small.get(row["architecture"], row["architecture"])
        case = json.dumps([network, step], sort_keys=True)
        case = str(json.loads(case, parse_float=lambda _: None))
        if case not in seen:
            seen.add(case)
            found[name] = network, recipe
    return found
