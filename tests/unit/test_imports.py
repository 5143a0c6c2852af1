"""The package imports one way, downwards; planning and drawing need no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from passband.dependencies import PACKAGE

# Folders and modules of src/passband, from the lowest up. What stands in one line stands side by
# side: neither imports the other.
LEVELS = [
    ["text", "programs"],
    ["errors"],
    ["quantities", "draws", "origin", "gpus", "litter"],
    ["options", "files"],
    ["jobs"],
    [
        "registry",
        "dependencies",
        "labels",
        "printed",
        "intervals",
        "measurements",
        "runs",
        "tensors",
    ],
    ["spectra", "data"],
    ["compute"],
    ["models"],
    ["attacks"],
    ["evaluation"],
    ["training"],
    ["probes"],
    ["findings"],
    ["figures"],
    ["report"],
    ["plan"],
]
HEIGHT = {name: height for height, level in enumerate(LEVELS) for name in level}
COMPUTING = {"tensors", "data", "compute", "models", "attacks", "evaluation", "training", "probes"}


def imported(file: Path) -> set[str]:
    """The modules of the package that a file imports, dotted and without the package's name."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} has a relative import"
            # In `from passband import models` the name is what is imported.
            modules = [node.module]
            if node.module == "passband":
                modules = [f"passband.{alias.name}" for alias in node.names]
            found |= set(modules)
    inside = {name for name in found if name.startswith("passband.")}
    return {name.removeprefix("passband.") for name in inside} - {"__version__"}


def chapters() -> dict[str, list[Path]]:
    """The sources of each folder and module directly below src/passband."""
    found: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name != "__init__":
            found.setdefault(name, []).append(file)
    return found


def edges() -> dict[str, dict[str, str]]:
    """Chapter -> the other chapters that it imports, with a file that does."""
    return {
        name: {
            module.partition(".")[0]: str(file.relative_to(PACKAGE))
            for file in files
            for module in imported(file)
            if module.partition(".")[0] != name
        }
        for name, files in chapters().items()
    }


def test_every_chapter_has_a_level():
    assert set(chapters()) <= set(HEIGHT), "add it to LEVELS, as low as it can stand"


def test_no_chapter_imports_upwards_or_sideways():
    upwards = [
        f"{file} imports {other}"
        for name, found in edges().items()
        for other, file in found.items()
        if HEIGHT[other] >= HEIGHT[name]
    ]
    assert not upwards


def test_the_package_itself_imports_nothing():
    assert not imported(PACKAGE / "__init__.py")


@pytest.mark.parametrize("name", ["intervals", "findings", "figures", "report"])
def test_results_are_read_from_files_only(name):
    """Figures draw filters with the real ones, so spectra is theirs, too."""
    assert not set(edges()[name]) & COMPUTING


def test_only_figures_know_spectra_among_those_who_read_results():
    assert not {name for name in ("findings", "report") if "spectra" in edges()[name]}


@pytest.mark.parametrize("module", ["passband.plan", "passband.findings.check", "passband.report"])
def test_planning_and_judging_need_no_torch(module):
    program = f"import {module}, sys; assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
