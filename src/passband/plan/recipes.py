"""Resolving recipes: per-data-set changes, parts, names, and contradictions between parts."""

from collections.abc import Mapping
from pathlib import Path

from passband.data.registry import DATASETS
from passband.dependencies import Declared, declared
from passband.errors import UserError, unknown
from passband.options import AttackName, Names, read, read_row
from passband.plan.names import check_known, check_names
from passband.plan.reading import check, merged, read_schema
from passband.plan.rows import check_filter, check_together, filters_in
from passband.training.recipes import check_parts

PART, OPTIMISER = "training/parts", "training/optimisers"
SCHEDULE, RECORDER = "training/schedules", "training/recorders"


def resolve_recipe(
    name: str, recipe: Mapping, dataset: str | None, names: Names, schemas: Path
) -> dict:
    """Resolve a recipe for one data set.

    Args:
        name: name of the recipe.
        recipe: its row of a paper's models.yaml, with the scale's changes.
        dataset: the data set whose entry in `per_dataset` applies; None for none.
        names: known names, attacks as training sees them.
        schemas: the folder workflow/schemas.

    Returns:
        method, epochs, batch_size, optimizer, schedule, augmentation, validation, select, `parts`
        (by registered name) and `recorders` (by name).

    Raises:
        UserError: names the recipe and the key.
    """
    owner = f"recipe '{name}'"
    exceptions = recipe.get("per_dataset", {})
    check_known(f"dataset in per_dataset of {owner}", exceptions, DATASETS)
    flat = merged(recipe, exceptions.get(dataset, {}))
    flat = {key: value for key, value in flat.items() if key not in ("per_dataset", "paper")}
    schema, parts = schemas / "recipe.schema.yaml", declared(PART)
    fixed = read_schema(schema)["properties"]
    for key in flat:
        if key not in fixed and key not in parts:
            known = [*fixed, *parts, "like", "per_dataset"]
            raise UserError(f"{owner}: {unknown('key', key, known)}")
    resolved = check({key: flat[key] for key in flat if key in fixed}, schema, owner)
    resolved["optimizer"] = _of_kind(f"{owner}, optimizer", OPTIMISER, flat["optimizer"], names)
    resolved["schedule"] = _of_kind(f"{owner}, schedule", SCHEDULE, flat["schedule"], names)
    resolved["parts"] = {
        key: _part(owner, key, value, names) for key, value in flat.items() if key in parts
    }
    check_names("recorder", flat.get("recorders", {}), owner)
    resolved["recorders"] = {
        key: _recorder(f"{owner}, recorder '{key}'", row, names)
        for key, row in flat.get("recorders", {}).items()
    }
    _check_selection(owner, resolved, names)
    check_parts(name, resolved)
    for filter in filters_in([resolved["parts"], resolved["recorders"]]) if dataset else ():
        check_filter(owner, filter, DATASETS[dataset].side)
    return resolved


def recipe_members(recipe: Mapping) -> list[tuple[str, str]]:
    """The registered functions that a resolved recipe uses, as (registry, name)."""
    validation = recipe["validation"].get("attack")
    attacks = [part["attack"] for part in recipe["parts"].values() if "attack" in part]
    attacks += [validation] if validation else []
    recorders = [row["recorder"] for row in recipe["recorders"].values()]
    filters = filters_in([recipe["parts"], recipe["recorders"]])
    return [
        (OPTIMISER, recipe["optimizer"]["kind"]),
        (SCHEDULE, recipe["schedule"]["kind"]),
        *((PART, part) for part in recipe["parts"]),
        *((RECORDER, recorder) for recorder in recorders),
        *(("attacks", attack["attack"]) for attack in attacks),
        *(("spectra/filters", filter["shape"]) for filter in filters),
    ]


def _of_kind(owner: str, registry: str, row: Mapping, names: Names) -> dict:
    """Resolve a row that names its function under `kind`."""
    functions = declared(registry)
    check_known(f"kind of {owner}", [row.get("kind")], functions)
    rest = {key: value for key, value in row.items() if key != "kind"}
    found = read_row(owner, functions[row["kind"]].keywords, rest, names)
    check_together(owner, functions[row["kind"]], found)
    return {"kind": row["kind"]} | found


def _recorder(owner: str, row: object, names: Names) -> dict:
    recorders: dict[str, Declared] = declared(RECORDER)
    if not isinstance(row, Mapping) or "recorder" not in row:
        raise UserError(f"{owner} lacks the key 'recorder'; add it.")
    check_known(f"method of {owner}", [row["recorder"]], recorders)
    rest = {key: value for key, value in row.items() if key != "recorder"}
    function = recorders[row["recorder"]]
    return {"recorder": row["recorder"]} | read_row(owner, function.keywords, rest, names)


def _part(owner: str, key: str, value: object, names: Names) -> dict:
    """Resolve the keys of a part; raise UserError if all are optional and none is given."""
    if not isinstance(value, Mapping):
        raise UserError(f"{owner}: {key} is {value!r}, expected a mapping.")
    keywords = declared(PART)[key].keywords
    found = read_row(f"{owner}, {key}", keywords, value, names)
    idle = [option.default is None and not option.required for option in keywords.values()]
    if keywords and all(idle) and not any(one is not None for one in found.values()):
        raise UserError(
            f"{owner}: {key} has none of the keys {', '.join(keywords)}: add one, or remove {key}."
        )
    return found


def _check_selection(owner: str, recipe: dict, names: Names) -> None:
    """Resolve the attack of the validation; raise UserError if `select` is not measured."""
    validation = recipe["validation"]
    if "attack" in validation:
        found = read(owner, "validation.attack", AttackName, validation["attack"], names)
        recipe["validation"] = validation | {"attack": found}
    elif recipe["select"] == "val_robust_accuracy":
        raise UserError(
            f"{owner} selects by val_robust_accuracy, but its validation names no attack: add one, "
            "or select by val_accuracy."
        )
    if validation["fraction"] == 0 and recipe["select"] != "last":
        raise UserError(
            f"{owner} holds out no images, so {recipe['select']} cannot select an epoch: set "
            "select to last, or raise validation.fraction."
        )
