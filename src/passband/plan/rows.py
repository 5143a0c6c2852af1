"""Validating and resolving rows that name a registered function: attacks, filters, probes, …"""

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest

from passband.dependencies import Declared, declared
from passband.errors import UserError
from passband.options import Known, Names, read_row
from passband.plan.names import check_known
from passband.quantities import size_at
from passband.training.recipes import active_conditions

# By kind of row: the registry of its functions, and the key that names the function.
REGISTRIES = {
    "attack": ("attacks", "attack"),
    "filter": ("spectra/filters", "shape"),
    "probe": ("probes", "probe"),
    "transform": ("models/transforms", "transform"),
    "score": ("findings/scores", "score"),
}
ELSEWHERE = ("dataset", "split")


def function_of(kind: str, name: str, row: Mapping) -> Declared:
    """The registered function that a row names.

    Raises:
        UserError: the row names none, or an unknown one.
    """
    registry, key = REGISTRIES[kind]
    if key not in row:
        raise UserError(f"{kind} '{name}' lacks the key '{key}'; add it.")
    functions = declared(registry)
    check_known(
        f"{key} of {kind} '{name}'" if key != kind else f"method of {kind} '{name}'",
        [row[key]],
        functions,
    )
    return functions[row[key]]


def resolve_row(kind: str, name: str, row: Mapping, names: Names, beside: tuple = ()) -> dict:
    """Resolve a row: its numbers and names, and the defaults of its function.

    Args:
        kind: a key of REGISTRIES.
        name: name of the row.
        row: the row.
        names: known names.
        beside: keys that are not arguments of the function and are kept as they are.

    Returns:
        The resolved row with its name, its keys in the order of the function's signature.

    Raises:
        UserError: names the row, the key and what was expected.
    """
    function, key = function_of(kind, name, row), REGISTRIES[kind][1]
    kept = {one: row[one] for one in (key, *beside) if one in row}
    given = {one: value for one, value in row.items() if one not in kept}
    resolved = read_row(f"{kind} '{name}'", function.keywords, given, names)
    defaults = {
        one: option.default
        for one, option in function.keywords.items()
        if not option.required and option.default is not None
    }
    filled = defaults | resolved
    check_together(f"{kind} '{name}'", function, filled)
    return {"name": name} | kept | {one: filled[one] for one in function.keywords if one in filled}


def check_together(owner: str, function: Declared, options: Mapping) -> None:
    """Raise UserError where arguments of a function contradict each other.

    Args:
        owner: the row, as the message names it.
        function: its settings `above_zero` and `zero` are mappings from a condition, such as
            "loss=cross_entropy", to an argument that must then be above 0, or 0; `only` maps an
            optional argument to the condition without which it has no effect; `complements` are
            two arguments, filters or lists of filters that keep the low and the high parts of the
            same images; `an_attack` is a setting that at least one of its `attacks` must be
            registered with.
        options: the resolved arguments.
    """
    for setting, wanted in (("above_zero", "above 0"), ("zero", "0")):
        conditions = active_conditions(function.settings.get(setting, {}), options)
        for condition, key in conditions.items():
            if (options[key] > 0) == (setting == "zero"):
                raise UserError(
                    f"{owner}: {key} is {options[key]}, expected {wanted} with {condition}."
                )
    for key, condition in function.settings.get("only", {}).items():
        if options.get(key) is not None and not active_conditions({condition: key}, options):
            raise UserError(
                f"{owner}: {key} is {options[key]}, but has an effect with {condition} only; "
                f"remove {key}, or set {condition.replace('=', ' to ')}."
            )
    if "complements" in function.settings:
        _check_complements(owner, *function.settings["complements"], options)
    if "an_attack" in function.settings:
        _check_attacks(owner, function.settings["an_attack"], options["attacks"])


def _check_complements(owner: str, low: str, high: str, options: Mapping) -> None:
    lists = ([one] if isinstance(one, Mapping) else one for one in (options[low], options[high]))
    for one, other in zip_longest(*lists, fillvalue={}):
        kept = {one.get("keep"): one, other.get("keep"): other}
        shared = [
            {key: value for key, value in row.items() if key not in ("name", "keep")}
            for row in (one, other)
        ]
        if shared[0] != shared[1] or kept != {"low": one, "high": other}:
            names = [f"'{row['name']}'" if row else "nothing" for row in (one, other)]
            raise UserError(
                f"{owner}: {low} has {names[0]} where {high} has {names[1]}; expected filters in "
                "the same order that differ in what they keep, low and high, and in nothing else."
            )


def _check_attacks(owner: str, kind: str, attacks: Sequence[Mapping]) -> None:
    known = declared("attacks")
    if not any(known[attack["attack"]].settings.get(kind) for attack in attacks):
        fitting = ", ".join(one for one, function in known.items() if function.settings.get(kind))
        raise UserError(
            f"{owner}: none of its attacks is a {kind}; add one whose attack is one of: {fitting}."
        )


def known_rows(kind: str, rows: Mapping[str, Mapping]) -> dict[str, Known]:
    """Resolved rows as known names for other rows."""
    key = REGISTRIES[kind][1]
    return {name: Known(row, row[key]) for name, row in rows.items()}


def check_filter(owner: str, filter: Mapping, side: int) -> None:
    """Raise UserError if a resolved filter does not fit images of a given side, or removes all.

    Args:
        owner: the row that uses the filter, as the message names it.
        filter: the resolved filter.
        side: side of the images in pixels.
    """
    settings = declared("spectra/filters")[filter["shape"]].settings
    key, step = settings["size"], settings.get("step", 1)
    if step is None:
        return
    size = size_at(side, filter[key], step)
    if not 0 <= size <= side or size % step:
        multiple = f"a multiple of {step}" if step > 1 else "an integer"
        raise UserError(
            f"{owner}: the {key} {filter[key]} of filter '{filter['name']}' does not fit images of "
            f"side {side}; expected a share of the side such as 1/2, or {multiple} from 0 to "
            f"{side}."
        )
    sizes = settings.get("sizes", {})
    if filter.get("inclusive"):
        sizes = sizes | settings.get("inclusive_sizes", {})
    smallest, reach = sizes.get(filter["keep"], (0, "side"))
    corner = math.isqrt(2 * (side // 2) ** 2)
    largest = {"side": side, "below side": side - 1, "corner": corner}[reach]
    if not smallest <= size <= largest:
        bound = f"smallest {key} that leaves something is {smallest}"
        if size > largest:
            bound = f"largest {key} that leaves something is {largest}"
        raise UserError(
            f"{owner}: filter '{filter['name']}' with {key} {filter[key]} leaves nothing of images "
            f"of side {side}; the {bound}."
        )


def filters_in(value: object) -> list[dict]:
    """The resolved filters in a resolved row, at any depth."""
    if isinstance(value, Mapping):
        if "shape" in value and "name" in value:
            return [dict(value)]
        return [found for one in value.values() for found in filters_in(one)]
    if isinstance(value, list):
        return [found for one in value for found in filters_in(one)]
    return []
