"""Building blocks of sentences."""

import re
from collections.abc import Iterable, Mapping

NAME = re.compile(r"\{(\w+)\}")


def listed(names: Iterable[str], joint: str = "and") -> str:
    """Names joined as in a sentence.

    >>> listed(["CIFAR-10", "CIFAR-100", "SVHN"]), listed(["a", "b"], "or"), listed(["a"])
    ('CIFAR-10, CIFAR-100 and SVHN', 'a or b', 'a')
    >>> listed([])
    ''
    """
    *first, last = [*names] or [""]
    return f"{', '.join(first)} {joint} {last}" if first else last


def shortened(value: object, limit: int = 80) -> str:
    """A value as one line of a sentence, cut off after `limit` signs.

    >>> shortened("8/255"), shortened([1, "a\\n  b"]), shortened("0123456789", limit=4)
    ('8/255', "[1, 'a\\\\n b']", '0123…')
    """
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[:limit]}…"


def in_order(name: str) -> str:
    """A name whose numbers sort by size where browsers sort names as text: those below 10 are
    padded with a space as wide as a digit.

    >>> in_order("Figure 2") == "Figure \N{FIGURE SPACE}2", in_order("Figure 10")
    (True, 'Figure 10')
    """
    return re.sub(r"(?<![\d.])\d(?![\d.])", "\N{FIGURE SPACE}\\g<0>", name)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with values in the place of their names in braces; other names stay.

    >>> filled("{a} and {b}", {"a": "one"})
    'one and {b}'
    """
    return NAME.sub(lambda name: values.get(name[1], name[0]), text)


def restructured(text: str) -> str:
    """A text that reStructuredText shows as it is written.

    >>> print(restructured("SAR*, |x| and name_"))
    SAR\\*, \\|x\\| and name\\_
    """
    return re.sub(r"([\\*`|_<>:\[\]])", r"\\\1", text)
