"""The run's config: files laid over each other, scales, and what JSON schemas say of them."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from functools import cache, reduce
from pathlib import Path

from jsonschema import Draft202012Validator, ValidationError

from passband.errors import UserError, unknown
from passband.plan.yaml_file import read_yaml
from passband.quantities import number
from passband.text import shortened

TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "a mapping",
}


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


def user_config(config: Mapping, files: Iterable[Path], settings: Mapping) -> dict:
    """The user's config as Snakemake read it, with what our reader finds in the same files.

    Snakemake's own reader takes the last of equal keys, knows fewer numbers, and mixes the keys of
    mappings of different kinds.

    Args:
        config: what Snakemake made of the files and settings.
        files: config/config.yaml and those of --configfile, in this order; what is no regular
            file, such as a pipe, cannot be read twice and stays as Snakemake read it.
        settings: those of --config.

    Raises:
        UserError: a file is malformed.
    """
    read = [read_yaml(file) for file in files if file.is_file()]
    return reduce(merged, [*read, settings], dict(config))


def scale_config(config: Mapping, root: Path) -> dict:
    """The file of the chosen scale, updated with the user's config and validated.

    Args:
        config: the user's config, with the key `scale`.
        root: the project's folder.

    Raises:
        UserError: the scale is unknown, or a value is not what its schema expects.
    """
    known = {file.stem: file for file in (root / "config" / "scales").glob("*.yaml")}
    name = str(config.get("scale"))
    if name not in known:
        raise unknown("scale", name, known)
    content = merged(read_yaml(known[name]), config)
    return check(content, root / "workflow" / "schemas" / "config.schema.yaml", "config")


def check(content: object, schema: Path, source: str) -> object:
    """Validate against a JSON schema.

    Args:
        content: the content of a config file.
        schema: path of the schema.
        source: the file, as messages name it.

    Returns:
        The content, with numbers that are written as text, such as 1/10, turned into numbers where
        the schema has numbers.

    Raises:
        UserError: the simplest mistake, in one sentence.
    """
    content = _with_numbers(content, read_schema(schema))
    error = min(_validator(schema).iter_errors(content), key=_plainness, default=None)
    if error is not None:
        raise UserError(f"{source}: {_sentence(error)}")
    return content


def _with_numbers(value: object, schema: Mapping) -> object:
    kinds = schema.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if isinstance(value, Mapping):
        known, others = schema.get("properties", {}), schema.get("additionalProperties") or {}
        return {key: _with_numbers(one, known.get(key, others)) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_numbers(one, schema.get("items", {})) for one in value]
    if "number" in kinds and isinstance(value, (str, float)):
        try:
            return number(value)
        except (ValueError, ZeroDivisionError):
            return str(value)  # is no finite number, which the schema will say
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole and "integer" in kinds else value


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
    value, found = error.validator_value, shortened(repr(error.instance))
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
        return f"{found} in {where} does not match {value}; rename it."
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
        }.get(error.validator, shortened(error.message))
    return f"{where} is {found}, {expected}."
