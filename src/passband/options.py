"""The types of config values, used to annotate the keyword arguments of registered functions.

A function's signature is the single declaration of its config keys: validation, documentation and
the JSON schemas for editors are all derived from it.

    def pgd(..., *, epsilon: Share, steps: Steps, start: Literal["clean", "uniform"] = "clean")
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import (
    Annotated,
    Literal,
    NamedTuple,
    NotRequired,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from passband.errors import UserError, unknown
from passband.quantities import number
from passband.text import shortened


class Range(NamedTuple):
    """Inclusive bounds of a number; `above` excludes the lower, `below` the upper one."""

    low: float
    high: float
    above: bool = False
    below: bool = False


class Name(NamedTuple):
    """The name of a config row or of a registered function.

    kind: the kind of thing named, a key of `Names`. of: the registered function that the row must
    use, if any.
    """

    kind: str
    of: str = ""


class Row(NamedTuple):
    """A row that names a registered function under `key`; its other keys are the arguments.

    The functions are names of the kind `key`, each with its declaration as value. The row is
    checked and stays as it is.
    """

    key: str


class Length(NamedTuple):
    """The number of entries of a list; `rising` says that each is above the one before."""

    count: int
    rising: bool = False


class Known(NamedTuple):
    """The value that a name resolves to, and the registered function of its row."""

    value: object
    function: str = ""


Names = Mapping[str, Mapping[str, Known]]

Share = Annotated[float, Range(0, 1)]
PositiveShare = Annotated[float, Range(0, 1, above=True)]
Percent = Annotated[float, Range(0, 100)]
Columns = Annotated[int, Range(1, 6)]
InnerShare = Annotated[float, Range(0, 1, above=True, below=True)]
Positive = Annotated[float, Range(0, 1e9, above=True)]
NonNegative = Annotated[float, Range(0, 1e9)]
Momentum = Annotated[float, Range(0, 1, below=True)]
LearningRate = Annotated[float, Range(1e-9, 10)]
Number = Annotated[float, Range(-1e9, 1e9)]
Steps = Annotated[int, Range(1, 10_000)]
Restarts = Annotated[int, Range(1, 1_000)]
Images = Annotated[int, Range(1, 10_000_000)]
Epochs = Annotated[int, Range(0, 10_000)]
BatchSize = Annotated[int, Range(4, 10_000)]
Batches = Annotated[int, Range(4, 10_000_000)]  # images that fill at least a batch
Queries = Annotated[int, Range(1, 1_000_000)]
TargetClasses = Annotated[int, Range(0, 10_000)]
SomeClasses = Annotated[int, Range(1, 10_000)]
Index = Annotated[int, Range(0, 1_000_000)]
Span = Annotated[list[Index], Length(2, rising=True)]  # the first, and the one after the last

Severity = Annotated[int, Range(1, 5)]  # of a corruption

Rescaling = Literal["image-max", "image-max-bytes"]  # of pixels

AttackName = Annotated[str, Name("attack")]
FilterName = Annotated[str, Name("filter")]
DatasetName = Annotated[str, Name("dataset")]
ArchitectureName = Annotated[str, Name("architecture")]
PrintedTable = Annotated[str, Name("printed")]
Measurement = Annotated[str, Name("probe")]
RecorderName = Annotated[str, Name("recorder")]
PartName = Annotated[str, Name("part")]
CorruptionName = Annotated[str, Name("corruption")]


class Size(NamedTuple):
    """The size of a filter: an integer, or a share of the image side such as 1/2."""


FilterSize = Annotated[int | str, Size()]
SHARE = re.compile(r"\d{1,9}/\d{1,9}|\d{0,9}\.?\d{1,9}")

CheckRow = Annotated[dict[str, object], Row("check")]


class Rates(TypedDict):
    """Learning rate and weight decay of a group of parameters.

    Args:
        learning_rate: peak learning rate.
        weight_decay: L2 penalty; this multiple of the weights is added to their gradient.
    """

    learning_rate: LearningRate
    weight_decay: NonNegative


def read(owner: str, key: str, kind: object, value: object, names: Names) -> object:
    """Validate one value against its type and resolve numbers and names in it.

    Args:
        owner: the owner of the key, as messages name it: "attack 'pgd-20'".
        key: the key.
        kind: the annotation of the argument.
        value: the value, as YAML gives it.
        names: the known names of each kind.

    Returns:
        The value, with fractions such as "8/255" as numbers and each name replaced by the value
        that it resolves to.

    Raises:
        UserError: the value does not fit; names the owner, the key, the value and what was
            expected.
    """
    notes, base = _split(kind)
    for note in notes:
        if isinstance(note, Name):
            return _named(owner, key, note, value, names)
        if isinstance(note, Size):
            return _size(owner, key, value)
        if isinstance(note, Row):
            return _row(owner, key, note, value, names)
    origin = get_origin(base)
    if origin in (Union, UnionType):
        parts = get_args(base)
        if value is None and NoneType in parts:
            return None
        (rest,) = (part for part in parts if part is not NoneType)
        return read(owner, key, rest, value, names)
    if origin is Literal:
        if value not in get_args(base):
            raise UserError(f"{owner}: {unknown(key, value, get_args(base))}")
        return value
    if origin is list:
        if not isinstance(value, list) or not value:
            raise _expected(owner, key, value, kind)
        found = [read(owner, key, get_args(base)[0], one, names) for one in value]
        for length in (note for note in notes if isinstance(note, Length)):
            in_order = found == sorted(set(found)) or not length.rising
            if len(found) != length.count or not in_order:
                raise _expected(owner, key, value, kind)
        return found
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _expected(owner, key, value, kind)
        return {
            one: read(owner, key, get_args(base)[1], part, names) for one, part in value.items()
        }
    if is_typeddict(base):
        return _record(owner, key, base, value, names)
    if base in (int, float):
        return _number(owner, key, kind, value)
    if base is object:
        return value
    if not isinstance(value, base):
        raise _expected(owner, key, value, kind)
    return value


def read_row(owner: str, wanted: Mapping[str, "Option"], row: Mapping, names: Names) -> dict:
    """Validate a row against the keyword arguments of a function, and resolve its values.

    Args:
        owner: the row, as messages name it: "attack 'pgd-20'".
        wanted: the keyword arguments by name.
        row: the row, without the key that names the function.
        names: the known names of each kind.

    Returns:
        The resolved row, without defaults.

    Raises:
        UserError: a key is unknown or missing, or a value does not fit.
    """
    for key in row:
        if key not in wanted:
            raise unknown(f"key of {owner}", key, wanted)
    for key, option in wanted.items():
        if key not in row and option.required:
            raise UserError(f"{owner} lacks the key '{key}'; add it.")
    return {key: read(owner, key, wanted[key].kind, value, names) for key, value in row.items()}


class Option(NamedTuple):
    """A keyword argument of a registered function.

    kind: its annotation. meaning: its entry in the Args section of the docstring.
    """

    kind: object
    required: bool
    default: object
    meaning: str


ARGUMENTS = re.compile(r"^Args:\n((?:[ ]+.*\n|\n)*)", re.MULTILINE)
ARGUMENT = re.compile(r"^ {4}(\w+): ((?:.|\n(?= {8}))*)", re.MULTILINE)


def meanings(docstring: str) -> dict[str, str]:
    """The entries of the Args section of a docstring (as `inspect.cleandoc` gives it), by name."""
    section = ARGUMENTS.search(docstring + "\n")
    found = ARGUMENT.findall(section[1]) if section else []
    return {name: re.sub(r"\s+", " ", text) for name, text in found}


def fields(record: type) -> dict[str, Option]:
    """The keys of a TypedDict; their meanings come from its docstring."""
    described = meanings(inspect.cleandoc(record.__doc__ or ""))
    return {
        key: Option(kind, key in record.__required_keys__, None, described.get(key, ""))
        for key, kind in get_type_hints(record, include_extras=True).items()
    }


def named(kind: object, value: object, what: str) -> Iterator[str]:
    """The names of kind `what` in an unresolved value, at any depth."""
    notes, base = _split(kind)
    for note in notes:
        if isinstance(note, Name) and note.kind == what and isinstance(value, str):
            yield value
    origin = get_origin(base)
    if origin in (Union, UnionType) and value is not None:
        for part in get_args(base):
            yield from named(part, value, what)
    elif origin is list and isinstance(value, list):
        for one in value:
            yield from named(get_args(base)[0], one, what)
    elif origin is dict and isinstance(value, Mapping):
        for one in value.values():
            yield from named(get_args(base)[1], one, what)
    elif is_typeddict(base) and isinstance(value, Mapping):
        kinds = get_type_hints(base, include_extras=True)
        for key, one in value.items():
            yield from named(kinds.get(key, object), one, what)


def words(kind: object, plural: bool = False) -> str:
    """A type in words, as documentation and messages have it.

    >>> words(list[AttackName]), words(Share), words(bool)
    ('list of attack names', 'number from 0 to 1', '`true` or `false`')
    """
    notes, base = _split(kind)
    many = "s" if plural else ""
    for note in notes:
        if isinstance(note, Name):
            return f"{_noun(note)} name{many}"
        if isinstance(note, Size):
            return "integer or share of the image side such as `1/2`"
        if isinstance(note, Row):
            return f"row{many} with the key `{note.key}`"
    bounds = next((note for note in notes if isinstance(note, Range)), None)
    origin = get_origin(base)
    if origin in (Union, UnionType):
        parts = (part for part in get_args(base) if part is not NoneType)
        return " or ".join(words(part, plural) for part in parts)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in get_args(base))
    if origin is list:
        length = next((note for note in notes if isinstance(note, Length)), None)
        many += f" of {length.count} {'rising ' * length.rising}".rstrip() if length else " of"
        return f"list{many} {words(get_args(base)[0], plural=True)}"
    if origin is dict:
        of = get_args(base)[1]
        return f"mapping{many}" if of is object else f"mapping{many} of names to {words(of, True)}"
    if is_typeddict(base):
        keys = (f"`{key}`" for key in get_type_hints(base))
        return f"mapping{many} with the keys {', '.join(keys)}"
    if base in (int, float):
        text = f"integer{many}" if base is int else f"number{many}"
        return " ".join([text, *([_interval(bounds)] if bounds else [])]).rstrip()
    return {str: f"string{many}", bool: "`true` or `false`", object: f"value{many}"}[base]


def schema(kind: object, names: Names) -> dict[str, object]:
    """A type as a JSON schema, with the names that are known.

    Args:
        kind: the annotation of an argument.
        names: the known names of each kind; a kind without any accepts every string.
    """
    notes, base = _split(kind)
    for note in notes:
        if isinstance(note, Name):
            known = sorted(
                name
                for name, row in names.get(note.kind, {}).items()
                if not note.of or row.function == note.of
            )
            return {"type": "string", "enum": known} if known else {"type": "string"}
        if isinstance(note, Size):
            return {"type": ["integer", "string"]}
        if isinstance(note, Row):
            kinds = {"enum": sorted(names.get(note.key, {}))}
            return {"type": "object", "required": [note.key], "properties": {note.key: kinds}}
    bounds = next((note for note in notes if isinstance(note, Range)), None)
    origin = get_origin(base)
    if origin in (Union, UnionType):
        parts = [
            {"type": "null"} if part is NoneType else schema(part, names) for part in get_args(base)
        ]
        return {"anyOf": parts}
    if origin is Literal:
        return {"enum": list(get_args(base))}
    if origin is list:
        length = next((note.count for note in notes if isinstance(note, Length)), None)
        size = {"minItems": length, "maxItems": length} if length else {"minItems": 1}
        return {"type": "array", **size, "items": schema(get_args(base)[0], names)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(get_args(base)[1], names)}
    if is_typeddict(base):
        return {
            "type": "object",
            "additionalProperties": False,
            "required": sorted(base.__required_keys__),
            "properties": {
                key: schema(one.kind, names) | {"description": one.meaning}
                for key, one in fields(base).items()
            },
        }
    if base in (int, float):
        if base is int:
            return {"type": "integer"} | _bounds(bounds)
        return {"anyOf": [{"type": "number"} | _bounds(bounds), {"type": "string"}]}
    return {str: {"type": "string"}, bool: {"type": "boolean"}, object: {}}[base]


def _split(kind: object) -> tuple[tuple, object]:
    """The notes of an annotation and the type below them."""
    if get_origin(kind) is NotRequired:
        return _split(get_args(kind)[0])
    if get_origin(kind) is Annotated:
        base, *notes = get_args(kind)
        return tuple(notes), base
    return (), kind


def _named(owner: str, key: str, note: Name, value: object, names: Names) -> object:
    known = names.get(note.kind, {})
    if not isinstance(value, str) or value not in known:
        raise UserError(f"{owner}, {key}: {unknown(_noun(note), value, known)}")
    if note.of and known[value].function != note.of:
        fitting = [name for name, row in known.items() if row.function == note.of]
        raise UserError(
            f"{owner}: {key} is '{value}', expected {_with_article(_noun(note))}: "
            f"{', '.join(sorted(fitting)) or 'none is defined'}."
        )
    return known[value].value


def _noun(note: Name) -> str:
    """What a name stands for, in words."""
    if note.of == "attack":
        return "attack"
    if note.of:
        return f"`{note.of}` {note.kind}"
    return {"dataset": "data set", "printed": "printed table", "probe": "probe or attack"}.get(
        note.kind, note.kind
    )


def _row(owner: str, key: str, note: Row, value: object, names: Names) -> dict:
    functions = names.get(note.key, {})
    if not isinstance(value, Mapping) or note.key not in value:
        raise UserError(f"{owner}: a row of {key} lacks the key '{note.key}'; add it.")
    if value[note.key] not in functions:
        raise UserError(f"{owner}, {key}: {unknown(note.key, value[note.key], functions)}")
    given = {one: part for one, part in value.items() if one != note.key}
    keywords = functions[value[note.key]].value.keywords
    read_row(f"{owner}, {value[note.key]}", keywords, given, names)
    return dict(value)


def _size(owner: str, key: str, value: object) -> int | str:
    try:
        fits = type(value) is int and value >= 0
        fits = fits or (SHARE.fullmatch(value) is not None and number(value) <= 1)
    except (ValueError, TypeError, ZeroDivisionError):
        fits = False
    if not fits:
        wanted = "a share of the image side from 0 to 1 such as 1/2, or an integer"
        raise UserError(f"{owner}: {key} is {shortened(value)}, expected {wanted}.")
    return value


def _record(owner: str, key: str, base: type, value: object, names: Names) -> dict:
    if not isinstance(value, Mapping):
        raise _expected(owner, key, value, base)
    kinds = get_type_hints(base, include_extras=True)
    for one in value:
        if one not in kinds:
            raise unknown(f"key of {key} of {owner}", one, kinds)
    for one in sorted(base.__required_keys__ - set(value)):
        raise UserError(f"{owner}: {key} lacks the key '{one}'; add it.")
    return {
        one: read(owner, f"{key}.{one}", kinds[one], part, names) for one, part in value.items()
    }


def _number(owner: str, key: str, kind: object, value: object) -> int | float:
    notes, base = _split(kind)
    accepted = (int,) if base is int else (int, float, str)
    try:
        found = number(value)
        fits = type(value) in accepted
        for bounds in (note for note in notes if isinstance(note, Range)):
            fits = fits and bounds.low <= found <= bounds.high
            fits = fits and not (bounds.above and found == bounds.low)
            fits = fits and not (bounds.below and found == bounds.high)
    except (ValueError, TypeError, ZeroDivisionError, OverflowError):
        fits = False
    if not fits:
        expected = _with_article(words(kind))
        raise UserError(f"{owner}: {key} is {shortened(value)}, expected {expected}.")
    return found


def _interval(bounds: Range) -> str:
    if bounds.high >= 1e9:
        if bounds.low <= -1e9:
            return ""
        return f"{'above' if bounds.above else 'of at least'} {bounds.low:g}"
    if bounds.above and bounds.below:
        return f"above {bounds.low:g} and below {bounds.high:,g}"
    if bounds.above:
        return f"above {bounds.low:g} and up to {bounds.high:,g}"
    if bounds.below:
        return f"from {bounds.low:g} to below {bounds.high:,}"
    return f"from {bounds.low:g} to {bounds.high:,}"


def _bounds(bounds: Range | None) -> dict[str, float]:
    if bounds is None:
        return {}
    low = "exclusiveMinimum" if bounds.above else "minimum"
    high = "exclusiveMaximum" if bounds.below else "maximum"
    return {low: bounds.low, high: bounds.high}


def _expected(owner: str, key: str, value: object, kind: object) -> UserError:
    found = shortened(repr(value))
    return UserError(f"{owner}: {key} is {found}, expected {_with_article(words(kind))}.")


def _with_article(text: str) -> str:
    """Words of the documentation as a message has them: with an article, without backticks."""
    plain = text.replace("`", "")
    if plain.startswith("true"):
        return plain
    return f"{'an' if plain[0] in 'aeiou' else 'a'} {plain}"
