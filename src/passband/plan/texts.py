"""Texts of config that figures show: refused where they could not be drawn as written."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from passband.errors import UserError
from passband.text import shortened

# Latin, Greek, Cyrillic, punctuation, arrows and mathematical signs: complete in DejaVu Sans.
SURELY_DRAWN = re.compile(r"[ -\u02af\u0370-\u037e\u0384-\u04ff\u2010-\u2027\u2190-\u22ff]*")


def check_drawn(owner: str, value: object) -> None:
    """Raise UserError for a text, at any depth of a value, that figures could not show as written.

    Args:
        owner: what the value belongs to, as the message has it.
        value: a text, or mappings and lists of them; keys of mappings are not looked at.
    """
    for text in _texts(value):
        found = f"{owner}: {shortened(repr(text))}"
        if not text.isprintable():
            raise UserError(f"{found} has a line break or another sign that cannot be seen in it.")
        if text.startswith("_"):
            raise UserError(f"{found} begins with an underscore, which legends omit; reword it.")
        missing = [] if SURELY_DRAWN.fullmatch(text) else [one for one in text if not _drawn(one)]
        if missing:
            raise UserError(
                f"{found} has {missing[0]!r} in it, which the font of figures lacks; reword it."
            )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _drawn(sign: str) -> bool:
    font = _font()
    return font is None or font.get_char_index(ord(sign)) != 0


@cache
def _font() -> object:
    """DejaVu Sans, with which figures are drawn; None where matplotlib is not installed."""
    try:
        from matplotlib import get_data_path
        from matplotlib.ft2font import FT2Font
    except ImportError:
        return None
    return FT2Font(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")))
