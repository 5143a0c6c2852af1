"""Searches for the smallest perturbation that fools: nothing bounds what they return."""

from collections.abc import Iterable, Mapping

from passband.dependencies import declared
from passband.errors import UserError


def check_searches(
    models: Mapping[str, Mapping],
    artifacts: Mapping[str, Mapping],
    probes: Mapping[str, Mapping],
    attacks: Mapping[str, Mapping],
) -> None:
    """Refuse searches where an attack has to have an epsilon: in training and in most probes.

    Args:
        models: resolved, by slug.
        artifacts: resolved, by id, each with its probes.
        probes: resolved, by name.
        attacks: resolved, by name.

    Raises:
        UserError: names the recipe, the probe or the artifact.
    """
    for model in models.values():
        recipe = model.get("recipe") or {"parts": {}, "validation": {}}
        rows = (*recipe["parts"].values(), recipe["validation"])
        _check(f"the recipe of '{model['method']}'", [row.get("attack") for row in rows])
    for name, row in probes.items():
        if declared("probes")[row["probe"]].settings.get("an_attack") != "search":
            _check(f"probe '{name}'", [row.get("attack"), *row.get("attacks", ())])
    for artifact, row in artifacts.items():
        _check(f"artifact '{artifact}'", [attacks.get(name) for name in row["probes"]])


def _check(owner: str, attacks: Iterable[Mapping | None]) -> None:
    for attack in filter(None, attacks):
        if declared("attacks")[attack["attack"]].settings.get("search"):
            raise UserError(
                f"{owner} has attack '{attack['name']}', which searches for the smallest "
                "perturbation that fools and is bounded by no epsilon: name an attack that has "
                "one, or measure the search by a probe of kind minimal_epsilon."
            )
