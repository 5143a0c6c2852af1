"""Where a report comes from: commit, configuration, package versions, machine."""

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from passband.origin import checkout, cores, processor, source

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

    Args:
        repository: the project's folder.
        config: the resolved configuration, plain data.
        expected_cost: one sentence on what a run of the scale is expected to take.

    Returns:
        commit, dirty and no_commit (see `passband.origin.Checkout`), config (as YAML),
        source, expected_cost, versions and machine.
    """
    return {
        **checkout(Path(repository))._asdict(),
        "config": yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=96),
        "source": source(Path(repository)),
        "expected_cost": expected_cost,
        "versions": {"Python": platform.python_version(), **_versions()},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "cores": cores(),
        },
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
