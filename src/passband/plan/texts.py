"""Texts of config that figures show: refused where they could not be drawn as written."""

import re
from collections.abc import Iterator, Mapping

from passband.errors import UserError
from passband.text import shortened

# Latin, Greek, Cyrillic, punctuation, raised and lowered digits, arrows and mathematical signs:
# what DejaVu Sans, the font of figures, has without a gap.
DRAWN = "[ -\u02af\u0370-\u037e\u0384-\u04ff\u1e00-\u1efb\u2010-\u205e\u2070-\u209c\u2190-\u22ff]"


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
        if missing := re.sub(DRAWN, "", text):
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
