"""Where a report comes from: commit, configuration, package versions, machine."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

PACKAGES = (
    "passband",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
    "seaborn",
    "papermill",
    "snakemake",
)


def describe_build(repository: str | Path, config: Mapping, expected_cost: str = "") -> dict:
    """Describe this build.

    repository: folder of the checkout; outside git the commit is "" and dirty is None.
    config: the resolved configuration, plain data.
    expected_cost: one sentence on what a run of the scale is expected to take.
    """
    return {
        **_commit(Path(repository)),
        "config": yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=96),
        "expected_cost": expected_cost,
        "versions": {"Python": platform.python_version(), **_versions()},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count(),
        },
    }


def _commit(repository: Path) -> dict:
    try:
        commit = _git(repository, "rev-parse", "HEAD")
        dirty = bool(_git(repository, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return {"commit": "", "dirty": None}
    return {"commit": commit, "dirty": dirty}


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The processor's marketing name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
