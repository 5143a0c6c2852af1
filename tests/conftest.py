"""Snakemake as a user runs it, and copies of the project to run it in."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_COPIED = {".git", ".offline", ".venv", ".snakemake", "results", "data"}
JOB_COUNT = re.compile(r"^([\w.]+)\s+(\d+)$", re.MULTILINE)

Snakemake = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture
def temporary() -> Iterator[Path]:
    """An empty folder whose path is short enough for the sockets of notebooks."""
    with TemporaryDirectory(prefix="passband-test-", dir="/tmp") as folder:
        yield Path(folder)


def command(*arguments: object) -> list[str]:
    """A call of Snakemake for subprocess."""
    return [sys.executable, "-m", "snakemake", *map(str, arguments)]


def environment() -> dict[str, str]:
    """The environment of the call: one thread per process."""
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def snakemake() -> Snakemake:
    """Call Snakemake in a folder; the result's stdout holds all that a user would see."""

    def call(*arguments: object, cwd: Path = ROOT, timeout: float = 900, **settings: str):
        return subprocess.run(
            command(*arguments),
            cwd=cwd,
            env=environment() | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )

    return call


@pytest.fixture(scope="session")
def start_snakemake() -> Callable[..., subprocess.Popen]:
    """Start Snakemake in its own process group, so that the whole run can be killed."""

    def start(*arguments: object, cwd: Path, **settings: str) -> subprocess.Popen:
        return subprocess.Popen(
            command(*arguments),
            cwd=cwd,
            env=environment() | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    return start


@pytest.fixture(scope="session")
def job_counts() -> Callable[[str], dict[str, int]]:
    """Read the table of jobs per rule from Snakemake's output; empty if nothing is to be done."""

    def read(output: str) -> dict[str, int]:
        table = output.partition("Job stats:")[2].partition("\n\n")[0]
        return {rule: int(count) for rule, count in JOB_COUNT.findall(table)}

    return read


@pytest.fixture(scope="session")
def copy_project() -> Callable[[Path], Path]:
    """Copy the sources of the project to a folder."""

    def copy(target: Path) -> Path:
        def left_out(folder: str, names: list[str]) -> set[str]:
            hidden = {name for name in names if name.endswith(("_cache", "__pycache__"))}
            return hidden | (NOT_COPIED if Path(folder) == ROOT else set())

        shutil.copytree(ROOT, target, ignore=left_out, dirs_exist_ok=True)
        return target

    return copy
