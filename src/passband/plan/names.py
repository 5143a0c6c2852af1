"""Names in config: validation, substitution, and changes by pattern."""

import fnmatch
from collections.abc import Iterable, Mapping
from functools import reduce

from passband.errors import unknown
from passband.plan.reading import merged


def check_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError for the first unknown name, with the nearest known one.

    Args:
        kind: what is named, as the message has it.
        names: the names to check.
        known: the known names.
    """
    known = list(known)
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)


def substitute(name: str, substitutes: Mapping[str, str]) -> str:
    """The substitute of a name, or the name itself."""
    return substitutes.get(name, name)


def patched(row: Mapping, patches: Mapping, name: str) -> dict:
    """A row with the patches applied, in order, whose pattern matches its name."""
    fitting = [patch for pattern, patch in patches.items() if fnmatch.fnmatchcase(name, pattern)]
    return reduce(merged, fitting, dict(row))


def check_patterns(kind: str, patches: Mapping, known: Iterable[str]) -> None:
    """Raise UserError for a pattern that matches none of the known names."""
    known = list(known)
    check_known(kind, [one for one in patches if not fnmatch.filter(known, one)], known)
