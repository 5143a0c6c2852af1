"""One list of versions: the lock file, the conda environments and what the code imports."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from passband.dependencies import code, declared

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow/scripts"
PIP_NAMES = {
    "pytorch": "torch",
    "matplotlib-base": "matplotlib",
    "snakemake-minimal": "snakemake",
}
CONDA_ENVIRONMENTS = ["environment.yml", "envs/torch.yaml", "envs/figures.yaml"]
CONDA_TARGET = {
    "python_version": "3.11",
    "python_full_version": "3.11.9",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


@cache
def lock() -> dict[str, str]:
    """Pinned version by name, as the lock file has it for Python 3.11 on Linux."""
    pins = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line and line[0].isalnum():
            requirement = Requirement(line.removesuffix("\\").strip())
            if requirement.marker is None or requirement.marker.evaluate(CONDA_TARGET):
                (specifier,) = requirement.specifier
                assert specifier.operator == "==", line
                assert requirement.name not in pins, f"{requirement.name} is pinned twice"
                pins[canonicalize_name(requirement.name)] = specifier.version
    return pins


@cache
def conda(file: str) -> dict[str, str]:
    """Pinned version by conda name."""
    content = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    return dict(line.split("=") for line in content["dependencies"])


def pip_name(conda_name: str) -> str:
    return canonicalize_name(PIP_NAMES.get(conda_name, conda_name))


@pytest.mark.parametrize("file", CONDA_ENVIRONMENTS)
def test_conda_pins_are_the_minor_versions_of_the_lock_file(file):
    """A patch release that PyPI has need not exist on conda-forge."""
    packages = {name: pin for name, pin in conda(file).items() if name != "python"}
    locked = {name: lock()[pip_name(name)].split(".") for name in packages}
    assert packages == {name: ".".join(version[:2]) for name, version in locked.items()}


@pytest.mark.parametrize("file", CONDA_ENVIRONMENTS)
def test_conda_reads_every_line(file):
    rattler = pytest.importorskip("rattler")
    content = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    assert content["channels"][0] == "conda-forge" and content["channels"][-1] == "nodefaults"
    for line in content["dependencies"]:
        spec = rattler.MatchSpec(line)
        assert spec.name.normalized == line.split("=")[0]
        assert spec.version


def test_all_conda_environments_have_one_python():
    pythons = {conda(file)["python"] for file in CONDA_ENVIRONMENTS}
    assert len(pythons) == 1
    floor = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f">={pythons.pop()}" == floor["requires-python"]


def direct_requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(
        map(Requirement, project["project"]["dependencies"] + project["dependency-groups"]["dev"])
    )


@pytest.mark.parametrize("requirement", direct_requirements(), ids=str)
def test_the_lock_file_satisfies_the_project(requirement):
    pin = lock().get(canonicalize_name(requirement.name))
    assert pin is not None, f"{requirement.name} is not in requirements.lock: run make lock"
    assert pin in requirement.specifier, f"{requirement} is locked at {pin}"


def test_the_lock_file_has_a_hash_for_every_package():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for block in re.split(r"\n(?=\w)", text):
        assert "--hash=sha256:" in block, block.splitlines()[0]
    assert "index-url" not in text


def imported(file: Path) -> set[str]:
    """Top-level names of all modules that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def third_party(*entries: Path) -> set[str]:
    """Distributions that the entries and the project's modules behind them import."""
    names = set().union(*(imported(Path(file)) for file in [*entries, *code(*entries)]))
    names -= sys.stdlib_module_names | {"passband", "snakemake"}
    distributions = packages_distributions()
    return {canonicalize_name(distributions[name][0]) for name in names}


def installed_with(names: set[str]) -> set[str]:
    """The named distributions and all that they require."""
    found, waiting = set(), {canonicalize_name(name) for name in names}
    while waiting:
        name = waiting.pop()
        found.add(name)
        try:
            needed = map(Requirement, requires(name) or [])
        except PackageNotFoundError:
            continue
        waiting |= {
            canonicalize_name(one.name)
            for one in needed
            if one.marker is None or one.marker.evaluate(CONDA_TARGET)
        } - found
    return found


def members(*registries: str) -> list[Path]:
    return [one.file for registry in registries for one in declared(registry).values()]


def templates() -> list[Path]:
    return sorted((ROOT / "reports/notebooks").glob("*.py"))


TRAINING = (
    *("models", "attacks", "spectra/filters", "training/parts", "training/recorders"),
    *("training/optimisers", "training/schedules"),
)
JOBS = {
    "prepare_dataset": ("envs/torch.yaml", []),
    "train_shared_prefix": ("envs/torch.yaml", members(*TRAINING)),
    "train_model": ("envs/torch.yaml", members(*TRAINING)),
    "derive_model": ("envs/torch.yaml", members("models", "models/transforms")),
    "import_model": ("envs/torch.yaml", members("models")),
    "corrupt_images": ("envs/torch.yaml", members("data/corruptions")),
    "attack_model": ("envs/torch.yaml", members("models", "attacks")),
    "probe_model": ("envs/torch.yaml", members("models", "attacks", "probes", "spectra/filters")),
    "render_artifact": ("envs/figures.yaml", templates()),
    "collect_measurements": ("envs/figures.yaml", []),
    "judge_findings": ("envs/figures.yaml", sorted((ROOT / "src/passband/findings").rglob("*.py"))),
    "build_report": ("envs/figures.yaml", []),
}


def test_every_script_is_tested_here():
    assert {file.stem for file in SCRIPTS.glob("*.py")} == set(JOBS)


@pytest.mark.parametrize("script", JOBS)
def test_a_job_imports_only_what_its_conda_environment_has(script):
    file, extra = JOBS[script]
    available = installed_with({pip_name(name) for name in conda(file)})
    assert third_party(SCRIPTS / f"{script}.py", *extra) <= available
    rules = "\n".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    for block in re.split(r"\n(?=rule |use rule )", rules):
        if f"scripts/{script}.py" in block:
            assert f'"../../{file}"' in block, f"{script} runs in another environment"


def test_only_figures_of_filters_need_torch():
    """They draw with the real ones."""
    scripts = [SCRIPTS / f"{name}.py" for name, (env, _) in JOBS.items() if "figures" in env]
    others = [template for template in templates() if template.stem not in ("filters", "disparity")]
    assert "torch" not in third_party(*scripts, *others)


def test_the_workflow_imports_only_what_its_conda_environment_has():
    available = installed_with({pip_name(name) for name in conda("environment.yml")})
    needed = third_party(ROOT / "workflow/rules/common.smk")
    assert "pyyaml" in needed and "torch" not in needed
    assert needed <= available


def test_the_report_of_snakemake_has_what_it_needs():
    assert {"pygments", "snakemake-minimal", "snakemake-executor-plugin-slurm"} <= set(
        conda("environment.yml")
    )
