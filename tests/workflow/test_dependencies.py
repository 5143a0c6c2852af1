"""What the sources declare, read without importing them, is what they really are."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from passband import attacks, models, probes
from passband.dependencies import PACKAGE, code, declared

SCRIPTS = PACKAGE.parents[1] / "workflow/scripts"
REGISTRIES = {"attacks": attacks.ATTACKS, "models": models.ARCHITECTURES, "probes": probes.PROBES}


def depends(script: str) -> set[str]:
    """Folders and modules of the package that a script imports, directly or not."""
    files = (Path(file).relative_to(PACKAGE) for file in code(SCRIPTS / f"{script}.py"))
    return {str(file) for file in files}


@pytest.mark.parametrize("name", REGISTRIES)
def test_declared_names_are_the_registered_ones(name):
    registry = REGISTRIES[name]
    assert sorted(declared(name)) == registry.names()


@pytest.mark.parametrize("name", ["attacks", "probes"])
def test_declared_arguments_are_those_of_the_functions(name):
    for member, found in declared(name).items():
        function = inspect.unwrap(REGISTRIES[name][member])
        assert Path(inspect.getsourcefile(function)) == found.file
        keywords = [
            one
            for one in inspect.signature(function).parameters.values()
            if one.kind is one.KEYWORD_ONLY
        ]
        assert list(found.keywords) == [one.name for one in keywords]
        required = [name for name, option in found.keywords.items() if option.required]
        assert required == [one.name for one in keywords if one.default is one.empty]


@pytest.mark.parametrize(
    ("script", "folders"),
    [
        ("prepare_dataset", {"attacks", "figures", "findings", "models", "probes", "training"}),
        ("train_shared_prefix", {"figures", "findings", "probes", "report"}),
        ("train_model", {"figures", "findings", "probes", "report"}),
        ("attack_model", {"figures", "findings", "report", "training"}),
        ("probe_model", {"figures", "findings", "report", "training"}),
        ("render_artifact", {"attacks", "findings", "models", "probes", "report", "training"}),
        ("judge_findings", {"attacks", "figures", "models", "probes", "report", "training"}),
        ("build_report", {"attacks", "models", "probes", "training"}),
    ],
)
def test_jobs_do_not_depend_on_what_they_do_not_use(script, folders):
    files = depends(script)
    assert {"__init__.py", "jobs.py", "errors.py"} <= files
    assert not {file for file in files if file.split("/")[0] in folders}
    assert not {file for file in files if file.startswith("plan/")}, "this only plans"


def test_methods_are_no_dependency_of_those_who_do_not_name_them():
    for script in ("train_shared_prefix", "train_model", "attack_model", "probe_model"):
        files = depends(script)
        assert {"attacks/__init__.py", "models/__init__.py"} <= files
        for registry in REGISTRIES:
            named = {str(one.file.relative_to(PACKAGE)) for one in declared(registry).values()}
            assert not files & named, f"{script} depends on all of {registry}"


def test_planning_needs_no_torch():
    """A login node plans a run without it, and a dry-run stays quick."""
    program = "import sys, passband.plan; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "passband.plan" in done.stdout, done.stderr
    assert not {"torch", "pandas", "scipy"} & set(done.stdout.split())
