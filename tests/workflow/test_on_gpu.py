"""A GPU node without network: gathering what it lacks, and the script that runs there."""

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]


def gather_offline():
    """scripts/gather_offline.py as a module."""
    path = ROOT / "scripts/gather_offline.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GATHER = gather_offline()


def test_what_is_left_out_is_a_dependency_and_no_more():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dependencies = {Requirement(one).name for one in project["dependencies"]}
    assert {*GATHER.NOT_THERE, *GATHER.INSTEAD} < dependencies
    gathered = {Requirement(one).name for one in GATHER.needed()}
    left_out = {*GATHER.NOT_THERE, *GATHER.INSTEAD}
    assert gathered == dependencies - left_out | set(GATHER.INSTEAD.values())


@pytest.mark.parametrize("name", [*GATHER.UNUSED, *GATHER.FROM_SOURCE, *GATHER.INSTEAD.values()])
def test_packages_with_an_exception_are_locked(name):
    assert f"\n{name}==" in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def test_the_big_packages_that_are_not_gathered_are_not_needed():
    """Snakemake and the notebook kernel start without them."""
    without = f"import sys; sys.modules.update(dict.fromkeys({GATHER.UNUSED}))"
    modules = "snakemake.cli, papermill, jupytext, ipykernel.kernelapp, passband.figures.render"
    subprocess.run([sys.executable, "-c", f"{without}; import {modules}"], check=True)


def test_lists_of_installed_packages():
    listed = "numpy==2.5.2\nPyYAML==6.0.3\n\njupyter_core\ntorch @ file:///wheels/torch.whl\n"
    assert GATHER.names(listed) == {"numpy", "pyyaml", "jupyter-core", "torch"}


# ---- the script, with a fake Python

PRETENDED = f"""#!/bin/sh
case "$*" in
  "-m pytest"*) sleep 60 ;;
  benchmarks/gpu.py*) echo "$@" ;;
  "-m snakemake"*) echo "$@"; exit 3 ;;
  scripts/time_scale.py*) ;;
  *) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def node(tmp_path) -> Path:
    """A folder with the script and the results of a slice."""
    for file in ("scripts/on_gpu.sh", "config/slices/sar.yaml"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, tmp_path / file)
    python = tmp_path / "python"
    python.write_text(PRETENDED)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    for file, size in {
        "measurements.csv": 10,
        "models/first/seed-0/run.json": 10,
        "models/first/seed-0/weights.safetensors": 600_000,
        "models/second/seed-0/weights.safetensors": 600_000,
        "attacks/first/seed-0/pgd-20.safetensors": 10,
        "checkpoints/first/seed-0.safetensors": 10,
    }.items():
        path = tmp_path / "results/fashion" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size))
    return tmp_path


def on_gpu(node: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """Run the script; its exit code and its log."""
    settings = {"PYTHON": str(node / "python"), "TESTS_SECONDS": "1", "ROOM": "1"} | settings
    call = [node / "scripts/on_gpu.sh", node / "out", *arguments]
    done = subprocess.run(call, env=os.environ | settings, stdout=subprocess.DEVNULL)
    return done.returncode, (node / "out/log.txt").read_text(encoding="utf-8")


def test_a_stage_that_hangs_or_fails_stops_no_other(node):
    code, log = on_gpu(node, BENCH_SECONDS="80", GPU_JOBS="3")
    assert code == 1
    assert "tests ended with 124, out of time" in log
    assert f"benchmarks/gpu.py --json {node}/out/benchmark.json --minutes 1.00" in log
    assert "--resources gpu=3" in log and "--configfile config/slices/sar.yaml" in log
    assert "slice ended with 3" in log and "bench ended with 0" in log
    assert log.endswith(" s: tests slice of the stages failed\n")


def test_results_are_kept_as_far_as_there_is_room(node):
    on_gpu(node, "slice")
    (part,) = (node / "out").glob("results.tar.gz.*")
    with tarfile.open(part) as archive:
        packed = {path.removeprefix("results/fashion/") for path in archive.getnames()}
    assert packed == {
        "measurements.csv",
        "models/first/seed-0/run.json",
        "models/second/seed-0/weights.safetensors",
    }


def test_unknown_stages_are_said(node):
    code, log = on_gpu(node, "test")
    assert code == 1 and "unknown stage test: tests, bench or slice" in log
