"""The origin of results: the commit of the checkout and the processor of the machine."""

import os
import platform
import subprocess
from pathlib import Path


def commit(folder: Path) -> str:
    """The commit checked out in `folder`, or "" outside a git checkout."""
    return _git(folder, "rev-parse", "HEAD") or ""


def dirty(folder: Path) -> bool | None:
    """Whether tracked files in `folder` differ from the commit; None outside a git checkout."""
    found = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return None if found is None else bool(found)


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


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
