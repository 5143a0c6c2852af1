"""The origin of results: the commit of the project's own checkout and the machine's processor."""

import os
import platform
from pathlib import Path
from typing import NamedTuple

from passband.programs import ProgramError, output_of

PROJECT = Path(__file__).resolve().parents[2]
SOURCES = ("Snakefile", "config", "envs", "profiles", "reports", "src", "workflow")
ELSEWHERE = (  # variables that point git at another repository, as its hooks set them
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
)


class Checkout(NamedTuple):
    """What is checked out.

    commit: None where the project is no git checkout of its own. dirty: whether tracked files
    differ from the commit or there are sources that git does not track; None without a commit.
    no_commit: why there is none, as a clause.
    """

    commit: str | None
    dirty: bool | None
    no_commit: str | None


def checkout(project: Path = PROJECT) -> Checkout:
    """The commit of the project's own checkout, never that of a repository around it."""
    if not (project / ".git").exists():
        return Checkout(None, None, "the project is no git checkout of its own")
    try:
        top, commit = _git(project, "rev-parse", "--show-toplevel", "HEAD").split("\n")[:2]
        if Path(top).resolve() != project.resolve():
            return Checkout(None, None, f"{project / '.git'} is no repository")
        changed = _git(project, "status", "--porcelain", "-z", "--untracked-files=all")
    except ProgramError as error:
        return Checkout(None, None, str(error))
    return Checkout(commit, any(map(_counts, filter(None, changed.split("\0")))), None)


def source(project: Path = PROJECT) -> str:
    """The web address that the project was cloned from; "" where there is none."""
    if not (project / ".git").exists():
        return ""
    try:
        address = _git(project, "config", "--get", "remote.origin.url").strip()
    except ProgramError:
        return ""
    shown = address.startswith("https://") and "@" not in address  # never a password
    return address.removesuffix(".git") if shown else ""


def _counts(line: str) -> bool:
    """Whether a line of `git status` is a change: of a tracked file, or an untracked source."""
    path = line.removeprefix("?? ")
    return path == line or path.partition("/")[0] in SOURCES


def _git(project: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    settings = ("-c", "core.excludesFile=/dev/null")  # what a user ignores everywhere
    return output_of("git", "-C", str(project), *settings, *arguments, environment=environment)


def processor() -> str:
    """The processor's name, as the system reports it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
