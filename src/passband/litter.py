"""What killed processes leave behind: told from the files of living ones, and removed.

Whoever makes a temporary file or folder holds a lock on it, which dies with its process.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import gettempdir

NOTEBOOK = "passband-notebook-"  # begins the names of temporary folders in which notebooks run
MAKER = re.compile(r"\.(\d+)\.part$")  # ends the names of temporary files: the process's number


def notebook_place() -> str:
    """Where the temporary folders of notebooks are made.

    It is the folder for temporary files, or /tmp where its path is so long that the notebooks'
    sockets could not be made in it: systems allow their paths about 100 bytes.
    """
    place = gettempdir()
    return place if len(os.fsencode(place)) <= 70 else "/tmp"


@contextmanager
def in_use(path: Path) -> Iterator[None]:
    """Hold a lock on a temporary file, which is created if it is missing, or on a folder."""
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def remove_litter(results: Path, data: Path) -> None:
    """Remove the temporary files of dead processes, and the temporary folders of their notebooks.

    Args:
        results: the results of a scale.
        data: the folder of the prepared data sets.
    """
    with suppress(OSError):  # such as a folder that nobody may read: litter stops no run
        found = (
            results.rglob(".*.part"),
            data.glob("*/.*.part"),
            Path(notebook_place()).glob(f"{NOTEBOOK}*"),
        )
        for path in chain(*found):
            if _is_dead(path):
                _remove(path)


def remove_accepted(results: Path) -> None:
    """Remove the checkpoints of trainings whose results Snakemake has accepted.

    Snakemake may refuse the results of a training that ended well, so the job leaves its
    checkpoint behind, newer than the results. Those that Snakemake accepts it dates to now.

    Args:
        results: the results of a scale.
    """
    for path in (results / "checkpoints").glob("*/seed-*"):
        name, seed = path.parent.name, path.name.partition(".")[0]
        result = results / "models" / name / seed / "run.json"
        if (prefix := name.removeprefix("shared-prefix-")) != name:
            result = results / "shared_prefixes" / prefix / f"{seed}.safetensors"
        with suppress(OSError):  # there is no result yet, or other seeds keep theirs in the folder
            if result.stat().st_mtime_ns > path.stat().st_mtime_ns:
                path.unlink()
                path.parent.rmdir()


def _is_dead(path: Path) -> bool:
    """Whether the process that made a temporary file or folder has ended."""
    maker = MAKER.search(path.name)
    if maker and _runs(int(maker[1])):
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _runs(number: int) -> bool:
    """Whether a process of this number runs on this machine, whoever it belongs to."""
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
