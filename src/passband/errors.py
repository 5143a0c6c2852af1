"""The exceptions whose messages are written for users."""

import errno
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from passband.text import shortened


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
    known, name = sorted(map(str, known)), shortened(name)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f": did you mean '{near[0]}'?" if near else "."
    return UserError(f"unknown {kind} '{name}'{hint} Known: {', '.join(known)}.")


ELSEWHERE = "set results_root (data_root for data sets) to another folder"
ADVICE = {  # by error number: what it means, and what to do
    errno.ENOSPC: ("the disk is full", "free some space or {elsewhere}, and run again"),
    errno.EDQUOT: ("the quota is used up", "free some space or {elsewhere}, and run again"),
    errno.EFBIG: (
        "the file is larger than this disk or `ulimit -f` allows",
        "raise the limit or {elsewhere}",
    ),
    errno.EACCES: ("permission denied", "make {permitted} or {elsewhere}"),
    errno.EPERM: ("the operation is not permitted", "make {permitted} or {elsewhere}"),
    errno.EROFS: ("the disk is read-only", "{elsewhere}"),
    errno.ENOTDIR: ("a file stands where a folder is needed", "remove the file or {elsewhere}"),
    errno.EEXIST: ("a file stands where a folder is needed", "remove the file or {elsewhere}"),
    errno.EISDIR: ("a folder stands where the file belongs", "remove the folder"),
    errno.ENAMETOOLONG: ("the name is too long for this disk", "shorten it or {elsewhere}"),
    errno.ELOOP: ("its symbolic links lead in a circle", "remove them"),
    errno.EIO: ("the disk reports a fault", "check it (`dmesg` says more) or {elsewhere}"),
    errno.ESTALE: ("the network disk has lost it", "wait until the disk is back and run again"),
    errno.ETIMEDOUT: ("the network disk is silent", "wait until it is back and run again"),
    errno.EMFILE: ("too many files are open", "raise `ulimit -n` and run again"),
    errno.ENFILE: ("the machine has too many files open", "end other programs and run again"),
    errno.EAGAIN: ("no more processes are allowed", "raise `ulimit -u`, or lower --cores"),
    errno.ENOMEM: ("memory did not suffice", "run fewer jobs at a time (--cores)"),
}


def explained(error: OSError, doing: str, elsewhere: str = ELSEWHERE) -> UserError | None:
    """An error of the operating system as what it is; None for one that has no known advice.

    Args:
        doing: what failed: "cannot write results/a.csv".
        elsewhere: what else one can do where this place cannot be used.
    """
    if error.errno not in ADVICE:
        return None
    problem, advice = ADVICE[error.errno]
    permitted = "it readable" if doing.startswith("cannot read") else "the folder writable"
    advice = advice.format(permitted=permitted, elsewhere=elsewhere)
    return UserError(f"{problem}: {doing}; {advice}.")
