"""One reader for every YAML file, those of the project and the user's.

It takes numbers as people write them (1e-3, 1_000; 1e3 is whole, 010 is ten), only `true` and
`false` as truth values, and every key as text. It refuses what would pass in silence or not come
to an end: equal keys, numbers that are not finite or need more than 64 bits, tags, endless nesting.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from passband.errors import UserError
from passband.text import shortened

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST = 2**63 - 1
LEVELS, VALUES = 40, 100_000  # at most; the largest file of the project has 8 and some 3,000

WORDS = dict.fromkeys(("", "~", "null", "Null", "NULL"))
WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
DIGITS = r"\d+(?:_\d+)*"
WHOLE = re.compile(rf"[-+]?{DIGITS}", re.ASCII)
DECIMAL = re.compile(
    rf"[-+]?(?:{DIGITS}(?:\.(?:{DIGITS})?)?|\.{DIGITS})(?:[eE][-+]?\d+)?", re.ASCII
)
NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")


@dataclass
class _Open:
    """A mapping or a list of which more may follow.

    lines: of its keys. size: values in it, those of aliases counted each time. merged: mappings
    under merge keys, in the order of their precedence.
    """

    value: dict | list
    anchor: str | None
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)
    merged: list[dict] = field(default_factory=list)
    size: int = 1


class _Mistake(Exception):
    """What is wrong, and in which line (counted from 1)."""

    def __init__(self, line: int, problem: str):
        self.line, self.problem = line, problem


def read_yaml(path: Path) -> dict:
    """Read a YAML mapping.

    Raises:
        UserError: the file is missing or malformed.
    """
    try:
        content = _content(yaml.parse(path.read_text(encoding="utf-8-sig"), LOADER))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist.") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: it is not UTF-8 text.") from error
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        raise _invalid(path, place and place.line + 1, error.problem) from error
    except yaml.YAMLError as error:
        raise _invalid(path, None, getattr(error, "reason", str(error))) from error
    except _Mistake as error:
        raise _invalid(path, error.line, error.problem) from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must contain a mapping of keys to values.")
    return content


def _invalid(path: Path, line: int | None, problem: str) -> UserError:
    where = f" in line {line}" if line else ""
    return UserError(f"{path} is not valid YAML{where}: {problem}.")


def _content(events: Iterable[yaml.Event]) -> object:
    """The value of the only document."""
    open_ones: list[_Open] = [_Open([], None)]
    anchored: dict[str, tuple[object, int]] = {}
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and open_ones[0].value:
            raise _Mistake(line, "a second document begins; keep one")
        elif isinstance(event, yaml.CollectionStartEvent):
            if event.tag not in (None, "!"):
                raise _Mistake(line, f"the tag {event.tag} is not known here; remove it")
            if len(open_ones) > LEVELS:
                raise _Mistake(line, f"values lie in each other more than {LEVELS} levels deep")
            _check_key(open_ones[-1], None, line)
            value = {} if isinstance(event, yaml.MappingStartEvent) else []
            open_ones.append(_Open(value, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = open_ones.pop()
            if done.merged:
                own = done.value.copy()
                done.value.clear()
                for mapping in (*reversed(done.merged), own):
                    done.value.update(mapping)
            if done.anchor:
                anchored[done.anchor] = done.value, done.size
            _put(open_ones[-1], done.value, done.size, line)
        elif isinstance(event, yaml.AliasEvent):
            _check_key(open_ones[-1], None, line)
            if event.anchor not in anchored:
                raise _Mistake(line, f"*{event.anchor} names nothing that ends before it")
            _put(open_ones[-1], *anchored[event.anchor], line)
        elif isinstance(event, yaml.ScalarEvent):
            top = open_ones[-1]
            if isinstance(top.value, dict) and top.key is None:
                _check_key(top, event, line)
                continue
            value = _scalar(event, top.key or "a value", line)
            if event.anchor:
                anchored[event.anchor] = value, 1
            _put(top, value, 1, line)
    return next(iter(open_ones[0].value), None)


def _check_key(top: _Open, event: yaml.ScalarEvent | None, line: int) -> None:
    """Take a scalar where a mapping waits for a key; refuse equal keys and any that is no text."""
    if not isinstance(top.value, dict) or top.key is not None:
        return
    if event is None:
        raise _Mistake(line, "a key must be text, not a mapping, a list or an alias")
    top.key = event.value
    if top.key in top.lines:
        raise _Mistake(
            line, f"duplicate key '{top.key}', first in line {top.lines[top.key]}; keep one of them"
        )
    top.lines[top.key] = line


def _put(top: _Open, value: object, size: int, line: int) -> None:
    """Add a value to what is open."""
    top.size += size
    if top.size > VALUES:
        raise _Mistake(line, f"it grows to more than {VALUES:,} values; repeat less of it")
    if isinstance(top.value, list):
        top.value.append(value)
    elif top.key == "<<":
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in mappings):
            raise _Mistake(line, "<< takes a mapping or a list of mappings")
        top.merged += mappings
    else:
        top.value[top.key] = value
    top.key = None


def _scalar(event: yaml.ScalarEvent, key: str, line: int) -> object:
    """What a scalar under a key stands for; quoted ones are text."""
    text = event.value
    if event.tag not in TEXT_TAGS:
        raise _Mistake(line, f"the tag {event.tag} is not known here; remove it")
    if not event.implicit[0]:
        return text
    if text in WORDS:
        return WORDS[text]
    if not (DECIMAL.fullmatch(text) or NOT_FINITE.fullmatch(text)):
        return text
    value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if math.isfinite(value) and "." not in text and value.is_integer():
        value = int(text) if WHOLE.fullmatch(text) and len(text) < 100 else int(value)
    if not math.isfinite(value) or (isinstance(value, int) and not -LARGEST <= value <= LARGEST):
        wanted = "a finite number" if "." in text else f"a number from -{LARGEST} to {LARGEST}"
        found = value if "." in text else shortened(text, 40)
        raise _Mistake(line, f"{key} is {found}, expected {wanted}; quote it if it is text")
    return value
