"""The exception whose message is written for users."""

from collections.abc import Iterable
from difflib import get_close_matches

from passband.text import shortened


class UserError(Exception):
    """One sentence that says what is wrong, what was expected and what to do."""


def unknown(kind: str, name: object, known: Iterable[object]) -> UserError:
    """The error for an unknown name, with the nearest known one as a suggestion.

    Args:
        kind: what is named, as the message has it.
        name: the unknown name.
        known: the names to choose from.

    >>> str(unknown("attack", "pgd-02", ["pgd-20", "fgsm"]))
    "unknown attack 'pgd-02': did you mean 'pgd-20'? Known: fgsm, pgd-20."
    """
    known, name = sorted(map(str, known)), shortened(name)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else "."
    return UserError(f"unknown {kind} '{name}'{hint} Known: {', '.join(known)}.")
