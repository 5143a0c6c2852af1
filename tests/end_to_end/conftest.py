"""The smoke scale, run once in a copy of the project, as the tests of this folder see it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from passband.plan import Plan, plan, read_yaml, scale_config

SMOKE = ("--cores", "2", "--configfile", "config/scales/smoke.yaml")
MODULES_OF_A_JOB = '''"""Every process tells which modules of the project it loaded."""
import atexit, json, os, sys, uuid

def tell():
    modules = list(sys.modules.items())
    files = [m.__file__ for name, m in modules if name.split(".")[0] == "passband" and m.__file__]
    told = {"argv": sys.argv, "files": files}
    with open(os.path.join(os.path.dirname(__file__), uuid.uuid4().hex + ".json"), "w") as file:
        json.dump(told, file)

atexit.register(tell)
'''


class Run(NamedTuple):
    """A finished run of the smoke scale.

    arguments: what follows `snakemake` to run it again. output: what the user read. trainings:
    those of the plan that its figures and tables want. loaded: argv and loaded project files of
    every Python process of the run.
    """

    arguments: tuple[str, ...]
    project: Path
    results: Path
    output: str
    plan: Plan
    trainings: dict[str, dict]
    loaded: list[dict]


@pytest.fixture(scope="session")
def project(copy_project, tmp_path_factory) -> Path:
    """A copy of the project to fail and to be killed in."""
    return copy_project(tmp_path_factory.mktemp("copy") / "project")


@pytest.fixture(scope="session")
def smoke(copy_project, snakemake, tmp_path_factory) -> Run:
    """The smoke scale from nothing, in its own copy of the project."""
    project = copy_project(tmp_path_factory.mktemp("smoke") / "project")
    spy = tmp_path_factory.mktemp("modules")
    (spy / "sitecustomize.py").write_text(MODULES_OF_A_JOB)
    done = snakemake(*SMOKE, cwd=project, timeout=2700, PYTHONPATH=str(spy))
    assert done.returncode == 0, done.stdout[-8000:]
    config = read_yaml(project / "config/config.yaml") | {"scale": "smoke"}
    made = plan(scale_config(config, project), project)
    slugs = {slug for row in made.artifacts.values() for slug in row["models"]}
    wanted = {made.models[slug]["model"].partition("--")[0] for slug in slugs}
    return Run(
        SMOKE,
        project,
        project / "results/smoke",
        done.stdout,
        made,
        {model: row for model, row in made.trainings.items() if model in wanted},
        [json.loads(file.read_text()) for file in spy.glob("*.json")],
    )


@pytest.fixture
def overlay(tmp_path) -> Callable[[dict], Path]:
    """Writes a config file with the user's changes."""

    def write(changes: dict) -> Path:
        path = tmp_path / "overlay.yaml"
        path.write_text(yaml.safe_dump(changes), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def changed() -> Callable[..., AbstractContextManager]:
    """changed(file, new, old=""): for a while `new` takes the place of `old` or follows the end."""

    @contextmanager
    def change(file: Path, new: str = "\nCHANGED = True\n", old: str = "") -> Iterator[None]:
        text, times = file.read_text(encoding="utf-8"), file.stat()
        assert old in text, f"{old!r} is not in {file}"
        file.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")
        try:
            yield
        finally:
            file.write_text(text, encoding="utf-8")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    return change
