"""Names in config: known or not, substituted by a scale, patched by patterns."""

import fnmatch
from collections.abc import Iterable, Mapping
from functools import reduce

from passband.errors import unknown
from passband.plan.reading import merged


def check_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UserError, with the nearest known name, for the first unknown one."""
    known = list(known)
    for name in names:
        if name not in known:
            raise unknown(kind, name, known)


def substitute(name: str, substitutes: Mapping[str, str]) -> str:
    """What a scale puts in the place of a name."""
    return substitutes.get(name, name)


def patched(row: Mapping, patches: Mapping, name: str) -> dict:
    """A row with the patches whose pattern matches its name, applied in order."""
    fitting = [patch for pattern, patch in patches.items() if fnmatch.fnmatchcase(name, pattern)]
    return reduce(merged, fitting, dict(row))


def check_patterns(kind: str, patches: Mapping, known: Iterable[str]) -> None:
    """Raise UserError for a pattern that matches no known name."""
    known = list(known)
    check_known(kind, [one for one in patches if not fnmatch.filter(known, one)], known)
