"""Reading config files: YAML mappings, scales, and validation against JSON schemas."""

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, ValidationError

from passband.errors import UserError, unknown

TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """The safe loader, which drops duplicate keys silently, made to refuse them."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Check the keys before merge keys are expanded."""
        if not hasattr(node, "checked"):
            _refuse_duplicates(node)
            node.checked = True
        super().flatten_mapping(node)


def _refuse_duplicates(node: yaml.MappingNode) -> None:
    seen = set()
    for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
        if key.value in seen:
            problem = f"duplicate key '{key.value}'; keep one of them"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        seen.add(key.value)


def read_yaml(path: Path) -> dict:
    """Read a YAML mapping.

    Raises:
        UserError: the file is missing or malformed.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = f" in line {place.line + 1}" if place else ""
        raise UserError(f"{path} is not valid YAML{line}: {error.problem}.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} must contain a mapping of keys to values.")
    return content


def merged(base: Mapping, patch: Mapping) -> dict:
    """`base` updated with `patch`: mappings are merged key by key, everything else is replaced.

    A mapping in `patch` with the key `kind` replaces the old one as a whole, since the other keys
    depend on the kind.
    """
    result = dict(base)
    for key, value in patch.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both and "kind" not in value else value
    return deepcopy(result)


def scale_config(config: Mapping, root: Path) -> dict:
    """The file of the chosen scale, updated with the user's config.

    Args:
        config: the user's config, with the key `scale`.
        root: the project's folder.

    Raises:
        UserError: the scale is unknown.
    """
    folder = root / "config" / "scales"
    name = str(config.get("scale"))
    if not (folder / f"{name}.yaml").exists():
        raise unknown("scale", name, [file.stem for file in folder.glob("*.yaml")])
    return merged(read_yaml(folder / f"{name}.yaml"), config)


def check(content: object, schema: Path, source: str) -> None:
    """Validate against a JSON schema.

    Args:
        content: the content of a config file.
        schema: path of the schema.
        source: the file, as messages name it.

    Raises:
        UserError: the simplest mistake, in one sentence.
    """
    error = min(_validator(schema).iter_errors(content), key=_plainness, default=None)
    if error is not None:
        raise UserError(f"{source}: {_sentence(error)}")


@cache
def read_schema(path: Path) -> dict:
    """A JSON schema, read once per process."""
    return read_yaml(path)


@cache
def _validator(schema: Path) -> Draft202012Validator:
    return Draft202012Validator(read_schema(schema))


def _plainness(error: ValidationError) -> tuple[int, str]:
    order = ("additionalProperties", "enum", "type")
    rank = order.index(error.validator) if error.validator in order else len(order)
    return rank, error.json_path


def _sentence(error: ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "the file"
    value = error.validator_value
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        extra = next(key for key in error.instance if key not in known)
        place = f" in {where}" if error.absolute_path else ""
        return str(unknown(f"key{place}", extra, known))
    if error.validator == "required":
        missing = next(key for key in value if key not in error.instance)
        return f"{where} lacks the key '{missing}'; add it."
    if error.validator == "enum":
        return str(unknown(f"value of {where}", error.instance, value))
    if error.validator == "pattern":
        return f"'{error.instance}' in {where} does not match {value}; rename it."
    if error.validator == "type":
        kinds = value if isinstance(value, list) else [value]
        expected = f"expected {' or '.join(TYPES[kind] for kind in kinds)}"
    else:
        expected = {
            "minimum": f"expected at least {value}",
            "maximum": f"expected at most {value}",
            "exclusiveMinimum": f"expected more than {value}",
            "exclusiveMaximum": f"expected less than {value}",
            "minItems": f"expected at least {value} entry",
            "uniqueItems": "expected distinct values",
        }.get(error.validator, error.message)
    return f"{where} is {error.instance!r}, {expected}."
