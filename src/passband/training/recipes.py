"""What follows from a recipe's parts before anything runs: contradictions, starts, shared prefixes.

Read by the plan, so it needs no torch: the parts' settings are read from their sources. The
settings are described in `passband.training.parts`.
"""

import json
from collections.abc import Iterable, Mapping

from passband.dependencies import Declared, declared
from passband.errors import UserError, unknown
from passband.training.parts import SEVERAL
from passband.training.schedules import first_drop, rate_share


def start_epoch(settings: Mapping, options: Mapping, recipe: Mapping) -> int | None:
    """The first epoch, counted from 0, in which a part works; None if it never does.

    Args:
        settings: what the part is registered with.
        options: the part's keys in the recipe.
        recipe: resolved; its schedule and epochs decide where the learning rate drops.
    """
    starts = settings.get("starts", "")
    if starts == "learning-rate drop":
        return first_drop(recipe["schedule"], recipe["epochs"])
    return options[starts] if starts else 0


def starts(recipe: Mapping) -> dict[str, int | None]:
    """The first epoch, counted from 0, in which each part of a resolved recipe works."""
    return {name: _start(name, recipe) for name in recipe["parts"]}


def active_conditions(conditions: Mapping[str, str], options: Mapping) -> dict[str, str]:
    """Those of {condition: value} that hold for a part's keyword arguments, defaults included."""
    return {one: value for one, value in conditions.items() if _holds(one, options)}


def prefix_of(recipe: Mapping) -> tuple[dict, int | None]:
    """What a resolved recipe does before the first of its late parts starts.

    Returns:
        The recipe without its late parts, which start after epoch 0, and without its method; and
        the epoch in which the first of them starts, None if there is none. Recipes with the same
        first value train alike up to the earliest second one.
    """
    late = {name: start for name, start in starts(recipe).items() if start is None or start > 0}
    common = {key: value for key, value in recipe.items() if key != "method"}
    common["parts"] = {
        name: options for name, options in recipe["parts"].items() if name not in late
    }
    return common, min((start for start in late.values() if start is not None), default=None)


def shared_prefixes(trainings: dict[str, dict]) -> dict[str, dict]:
    """Find the trainings that begin identically.

    Sets `shared_prefix` in each training: the name of the prefix that it begins with, or None. A
    prefix takes the name of its first training and ends where the first late part among its
    trainings starts; without late parts, where only the method differs, it is the whole training.

    Args:
        trainings: by name; `recipe` is resolved, and all other values must agree to share.

    Returns:
        The prefixes by name: what their trainings have in common, and `until`, the number of
        epochs.
    """
    groups: dict[str, dict[str, int | None]] = {}
    for name, row in trainings.items():
        common, until = prefix_of(row["recipe"])
        beginning = json.dumps(row | {"recipe": common}, sort_keys=True)
        groups.setdefault(beginning, {})[name] = until
    prefixes = {}
    for beginning, members in groups.items():
        first = next(iter(members))
        shared = len(members) > 1
        if shared:
            until = min((start for start in members.values() if start), default=None)
            until = until or trainings[first]["recipe"]["epochs"]
            prefixes[first] = json.loads(beginning) | {"until": until}
        for name in members:
            trainings[name]["shared_prefix"] = first if shared else None
    return prefixes


def needs_test(recorders: Mapping[str, Mapping]) -> bool:
    """Whether a recipe's recorders look at the test split."""
    return any(row.get("split") == "test" for row in recorders.values())


def check_parts(name: str, recipe: Mapping) -> None:
    """Refuse a resolved recipe whose parts contradict each other or its schedule.

    Raises:
        UserError: one sentence that names the recipe, the parts and the reason.
    """
    owner = f"recipe '{name}'"
    try:
        rate_share(recipe["schedule"], 0, recipe["epochs"])
    except UserError as error:
        raise UserError(f"{owner}: {error}") from error
    known, parts = declared("training/parts"), recipe["parts"]
    for part in parts:
        if part not in known:
            raise UserError(f"{owner}: {unknown('recipe part', part, known)}")
    roles = {part: known[part].settings["role"] for part in parts}
    for role in set(roles.values()) - SEVERAL:
        rivals = [part for part in parts if roles[part] == role]
        if len(rivals) > 1:
            raise UserError(
                f"{owner} has {' and '.join(sorted(rivals))}, but a recipe has only one {role}: "
                "keep one, and make a second recipe for the other."
            )
    treatment = next((part for part in parts if roles[part] == "label treatment"), None)
    if treatment and recipe["select"] != "last":
        raise UserError(
            f"{owner} has {treatment} and selects by {recipe['select']}, but the held-out images "
            "have treated labels, too, which cannot be predicted from the other images: the best "
            "epoch would be chosen by chance; set select to last."
        )
    provided = {
        part.settings["provides"]: name
        for name, part in known.items()
        if "provides" in part.settings
    }
    for part in parts:
        _check_part(owner, part, recipe, roles, provided)


def _check_part(
    owner: str, name: str, recipe: Mapping, roles: Mapping[str, str], provided: Mapping[str, str]
) -> None:
    """Raise UserError for a part that contradicts another, lacks one, is unused or never starts."""
    parts = recipe["parts"]
    part = declared("training/parts")[name]
    for excluded, reason in part.settings.get("excludes", {}).items():
        for other in parts:
            if excluded in (other, roles[other]):
                raise UserError(
                    f"{owner} has {name} and {other}, which exclude each other ({name}: {reason}): "
                    "remove one of them."
                )
    options = _options(name, parts)
    for condition, key in active_conditions(part.settings.get("attack_has", {}), options).items():
        if key not in options["attack"]:
            attack = options["attack"]["name"]
            raise UserError(
                f"{owner} has {name} with {condition}, but attack '{attack}' has no {key}: name "
                f"another attack, or change {name}."
            )
    needed = active_conditions(_needs(part), options)
    wanted = [
        *active_conditions(part.settings.get("requires", {}), options).items(),
        *((one, provided[quantity]) for one, quantity in needed.items() if quantity in provided),
    ]
    for condition, other in wanted:
        if not _has(other, parts, roles):
            having = f"{name} with {condition}" if condition else name
            raise UserError(
                f"{owner} has {having} but no {other}: add {other}, or "
                f"{'change' if condition else 'remove'} {name}."
            )
    quantity = part.settings.get("provides")
    if quantity and quantity not in _needed(parts):
        users = [
            f"{user} with {condition}" if condition else user
            for user, other in declared("training/parts").items()
            for condition, need in _needs(other).items()
            if need == quantity
        ]
        raise UserError(
            f"{owner} has {name}, but nothing uses it: remove it, or add {' or '.join(users)}."
        )
    start = _start(name, recipe)
    if start is None:
        raise UserError(
            f"{owner} has {name}, which starts when the learning rate has fallen to a quarter of "
            f"its peak, but its schedule never does: change the schedule or remove {name}."
        )
    if start >= recipe["epochs"]:
        raise UserError(
            f"{owner} has {name}, which starts at epoch {start}, but trains {recipe['epochs']} "
            f"epochs: start it earlier or remove it."
        )


def _needs(part: Declared) -> dict[str, str]:
    return part.settings.get("needs", {})


def _needed(parts: Mapping[str, Mapping]) -> set[str]:
    """The quantities that the parts of a recipe need."""
    known = declared("training/parts")
    return {
        quantity
        for name in parts
        for quantity in active_conditions(_needs(known[name]), _options(name, parts)).values()
    }


def _options(name: str, parts: Mapping[str, Mapping]) -> dict[str, object]:
    """A part's keyword arguments, defaults included."""
    keywords = declared("training/parts")[name].keywords
    defaults = {key: option.default for key, option in keywords.items() if not option.required}
    return defaults | parts[name]


def _start(name: str, recipe: Mapping) -> int | None:
    settings = declared("training/parts")[name].settings
    return start_epoch(settings, _options(name, recipe["parts"]), recipe)


def _holds(condition: str, options: Mapping) -> bool:
    if not condition:
        return True
    key, _, value = condition.partition("=")
    if key.endswith("!"):
        return not _holds(f"{key[:-1]}={value}", options)
    found = options[key]
    return (f"{found:g}" if isinstance(found, float) else str(found)) == value


def _has(wanted: str, parts: Mapping[str, Mapping], roles: Mapping[str, str]) -> bool:
    """Whether a recipe has a part, a role, or a part with a value ("part.key=value")."""
    name, _, condition = wanted.partition(".")
    fitting: Iterable[str] = (part for part in parts if name in (part, roles[part]))
    return any(_holds(condition, _options(part, parts)) for part in fitting)
