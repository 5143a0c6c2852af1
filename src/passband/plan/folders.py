"""Folders that config names: checked, and each with one spelling however it is written."""

import os
from collections.abc import Iterable
from pathlib import Path

from passband.errors import UserError
from passband.text import shortened

FORBIDDEN = "{}<>$"  # Snakemake's wildcards and path variables, and the shell's variables


def check_folder(key: str, value: str) -> None:
    """Raise UserError unless a value of config can be a folder's path.

    Args:
        key: the key of config, as messages name it.
        value: a path; ~ at its beginning is a home folder.
    """
    found = f"{key} is {shortened(repr(value))}"
    if not value.strip():
        raise UserError(f"{key} is empty; name a folder.")
    signs = [sign for sign in value if sign in FORBIDDEN or not sign.isprintable()]
    if signs:
        raise UserError(
            f"{found}, which has {signs[0]!r} in it: write the folder out, without variables, "
            "braces and angle brackets."
        )
    if value != value.strip():
        raise UserError(f"{found}, which begins or ends with a space; remove the space.")
    if os.path.expanduser(value).startswith("~"):
        raise UserError(f"{found}, but {value.split('/')[0]} is no home folder; write it out.")
    path = Path(os.path.abspath(os.path.expanduser(value)))
    try:
        existing = next(part for part in (path, *path.parents) if part.exists())
    except OSError as error:
        raise UserError(f"{found}, which cannot be a folder: {error.strerror}.") from error
    if not existing.is_dir():
        raise UserError(f"{key} is {value}, but {existing} is a file; name a folder.")


def spelled(path: str, homes: Iterable[str | Path]) -> str:
    """The one spelling of a path, however it is written and through whichever links.

    Args:
        path: absolute or relative to the working folder; ~ is the home folder.
        homes: folders whose contents move with them, such as the working folder and the project.

    Returns:
        Inside of a home, also by a link that lies in it, the path relative to the working folder;
        elsewhere the absolute path without links.
    """
    path = os.path.abspath(os.path.expanduser(path))
    real = os.path.realpath(path)
    homes = [os.path.realpath(home) for home in homes]
    for home in homes:
        if _inside(real, home):
            return os.path.relpath(real)
    for home in homes:
        if _inside(path, home):
            return os.path.relpath(path)
    for home in homes:
        for link in sorted(entry.path for entry in os.scandir(home) if entry.is_symlink()):
            target = os.path.realpath(link)
            if _inside(real, target):
                return os.path.relpath(os.path.join(link, os.path.relpath(real, target)))
    return real


def _inside(path: str, folder: str) -> bool:
    return os.path.commonpath([path, folder]) == folder
