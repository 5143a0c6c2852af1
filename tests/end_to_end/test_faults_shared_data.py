"""Runs of several scales that share the data folder: all end well, none takes a file away."""

import os
import signal
import time
from pathlib import Path

import pytest
import yaml

from passband.data.preparation import alone
from passband.data.storage import load

SET = "fashion-mnist-sample"
WAIT = 600


@pytest.fixture
def run_of(tmp_path):
    """run_of(name): arguments of a run that has results of its own and shares the data."""

    def arguments(name: str) -> tuple[str, ...]:
        overlay = tmp_path / f"{name}.yaml"
        roots = {"results_root": str(tmp_path / name), "data_root": str(tmp_path / "data")}
        overlay.write_text(yaml.safe_dump(roots), encoding="utf-8")
        target = f"{tmp_path}/data/{SET}/train.safetensors"
        configs = ("--configfile", "config/scales/smoke.yaml", str(overlay))
        return (target, "--cores", "1", *configs)

    return arguments


def log_of(name: str, tmp_path: Path) -> str:
    log = tmp_path / name / f"smoke/logs/data/{SET}.log"
    return log.read_text() if log.exists() else ""


def test_runs_that_prepare_one_data_set(project, snakemake, start_snakemake, run_of, tmp_path):
    folder = tmp_path / "data" / SET
    with alone(folder):
        names = ("first", "second", "interrupted")
        runs = {name: start_snakemake(*run_of(name), cwd=project) for name in names}
        end = time.monotonic() + WAIT
        while not all("waiting: another run" in log_of(name, tmp_path) for name in names):
            assert time.monotonic() < end, {name: log_of(name, tmp_path) for name in names}
            time.sleep(0.1)
        os.killpg(runs["interrupted"].pid, signal.SIGINT)
        runs["interrupted"].communicate(timeout=WAIT)
    for name in ("first", "second"):
        output, _ = runs[name].communicate(timeout=WAIT)
        assert runs[name].returncode == 0, output[-4000:]
        assert "Traceback" not in output
    assert runs["interrupted"].returncode != 0
    assert len(load(folder, "train").labels) == 10_000
    kept = (folder / "train.safetensors").stat().st_ino

    again = snakemake(*run_of("first"), cwd=project)
    assert "Nothing to be done" in again.stdout
    forced = snakemake(*run_of("interrupted"), "--forceall", cwd=project)
    assert forced.returncode == 0, forced.stdout[-4000:]
    assert (folder / "train.safetensors").stat().st_ino == kept, "another run may be reading it"
    assert not list(tmp_path.rglob("*.part"))
