"""The exceptions whose messages are written for users."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class UserError(Exception):
    """One sentence that says what is wrong, what was expected and what to do."""


class Damaged(UserError):
    """A stored file is not as it was written.

    >>> str(Damaged("run.json", "it is empty"))
    'run.json is damaged (it is empty): remove it and run again.'
    """

    def __init__(self, path: str | Path, reason: str):
        super().__init__(f"{path} is damaged ({reason}): remove it and run again.")
        self.path, self.reason = path, reason


def unknown(kind: str, name: object, known: Iterable[object]) -> UserError:
    """The error for an unknown name, with the nearest known one as a suggestion.

    Args:
        kind: what is named, as the message has it.
        name: the unknown name.
        known: the names to choose from.

    >>> str(unknown("attack", "pgd-02", ["pgd-20", "fgsm"]))
    "unknown attack 'pgd-02': did you mean 'pgd-20'? Known: fgsm, pgd-20."
    """
    known = sorted(map(str, known))
    near = get_close_matches(str(name), known, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else "."
    return UserError(f"unknown {kind} '{name}'{hint} Known: {', '.join(known)}.")
