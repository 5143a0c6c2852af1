"""JSON schemas of the config files for editors, generated from the registered functions."""

from collections.abc import Mapping
from pathlib import Path

from passband.data.registry import DATASETS
from passband.dependencies import Declared, declared
from passband.options import Known, Names, schema
from passband.plan.artifacts import CHECKS, FIGURES
from passband.plan.recipes import OPTIMISER, PART, RECORDER, SCHEDULE
from passband.plan.rows import REGISTRIES
from passband.plan.yaml_file import read_yaml

BESIDE = {
    "probe": {
        "dataset": {"type": "string", "description": "The data set; the model's own if left out."},
        "split": {"type": "string", "description": "The split; `test` if left out."},
    },
    "score": {
        "probe": {"type": "string", "description": "The measurement that it reads."},
        "reads": {"type": "string", "description": "Its name in sentences."},
        "printed": {"type": "string", "description": "The metric of printed tables that it is."},
    },
    "transform": {"method": {"type": "string", "description": "Method name of the derived model."}},
}


def editor_schemas(root: Path) -> dict[str, dict]:
    """The JSON schema of each kind of config file.

    Args:
        root: the project's folder, with workflow/schemas.

    Returns:
        Schemas by the file's name without its extension.
    """
    names: Names = {
        "dataset": {name: Known(name) for name in DATASETS},
        "architecture": {name: Known(name) for name in declared("models")},
        "corruption": {name: Known(name) for name in declared("data/corruptions")},
        "check": {name: Known(one) for name, one in declared(CHECKS).items()},
    }
    written = {
        name: read_yaml(root / "workflow" / "schemas" / f"{name}.schema.yaml")
        for name in ("config", "paper", "models", "artifacts", "findings", "themes", "recipe")
    }
    models = written["models"]
    extra = models["properties"]["recipes"]["additionalProperties"]["properties"]
    recipe = _recipe(written["recipe"], extra, names)
    models["properties"]["recipes"]["additionalProperties"] = recipe
    models["properties"]["transforms"]["additionalProperties"] = _row("transform", names)
    row = written["artifacts"]["properties"]["artifacts"]["additionalProperties"]
    row["allOf"] = [
        _when("notebook", name, {"properties": {"options": _keywords(one, names)}})
        for name, one in declared(FIGURES).items()
    ]
    row["properties"]["notebook"]["enum"] = sorted(declared(FIGURES))
    finding = written["findings"]["properties"]["findings"]["items"]
    finding["properties"]["test"]["enum"] = sorted(declared("findings/claims"))
    rows = {
        f"{kind}s": {"type": "object", "additionalProperties": _row(kind, names)}
        for kind in ("attack", "filter", "probe", "score")
    }
    del written["config"]["required"]  # config.yaml, a scale and an overlay each hold some keys
    shown = {name: one for name, one in written.items() if name != "recipe"}
    return {name: _titled(name, one) for name, one in (rows | shown).items()}


def _titled(name: str, content: Mapping) -> dict:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"{name}.yaml"}
    return {**content, **dialect}


def _keywords(function: Declared, names: Names) -> dict:
    """The keyword arguments of a function as the schema of an object."""
    properties = {
        key: schema(option.kind, names) | {"description": option.meaning}
        for key, option in function.keywords.items()
    }
    required = [key for key, option in function.keywords.items() if option.required]
    return {
        "type": "object",
        "description": function.summary,
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _row(kind: str, names: Names) -> dict:
    """The schema of a row, whose keys depend on the function that it names."""
    registry, key = REGISTRIES[kind]
    return _choice(key, declared(registry), names, BESIDE.get(kind, {}))


def _choice(key: str, functions: Mapping[str, Declared], names: Names, beside: Mapping) -> dict:
    rows = []
    for name, function in functions.items():
        row = _keywords(function, names)
        row["properties"] = {key: {"const": name}, **beside, **row["properties"]}
        row["required"] = [key, *row["required"]]
        rows.append(_when(key, name, row))
    return {
        "type": "object",
        "required": [key],
        "properties": {key: {"enum": sorted(functions)}},
        "allOf": rows,
    }


def _when(key: str, name: str, then: Mapping) -> dict:
    return {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": dict(then)}


def _recipe(fixed: Mapping, extra: Mapping, names: Names) -> dict:
    """The schema of a recipe in models.yaml: fixed keys, extra ones of models.yaml, and parts. None
    is required, since a merge key or another recipe may provide it."""
    properties = {**fixed["properties"], **extra}
    properties["optimizer"] = _choice("kind", declared(OPTIMISER), names, {})
    properties["schedule"] = _choice("kind", declared(SCHEDULE), names, {})
    properties["recorders"] = {
        "type": "object",
        "additionalProperties": _choice("recorder", declared(RECORDER), names, {}),
    }
    properties |= {name: _keywords(part, names) for name, part in declared(PART).items()}
    properties["<<"] = {}
    return {"type": "object", "properties": properties, "additionalProperties": False}
