"""A finished project is copied, moved and cloned with its results: nothing is to be done there."""

import shutil
import subprocess
from pathlib import Path

import pytest

SMOKE = ("--cores", "2", "--configfile", "config/scales/smoke.yaml")


@pytest.mark.parametrize("keep_times", [True, False], ids=["moved", "copied anew"])
def test_a_finished_project_elsewhere_has_nothing_to_do(smoke, snakemake, tmp_path, keep_times):
    target = tmp_path / "another place" / "project"
    copy = shutil.copy2 if keep_times else shutil.copyfile
    shutil.copytree(smoke.project, target, copy_function=copy)
    done = snakemake(*SMOKE, "--dry-run", cwd=target)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout[-3000:]


def test_results_outside_of_the_project_stay_valid_when_it_moves(smoke, snakemake, tmp_path):
    """One figure without models, with results beside the project; then the project moves."""
    first, second = tmp_path / "one", tmp_path / "other"
    left_out = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(smoke.project, first, ignore=left_out)
    results = tmp_path / "results"
    call = ("sar.fig1", *SMOKE, "--config", f"results_root={results}")
    done = snakemake(*call, cwd=first)
    assert done.returncode == 0, done.stdout[-3000:]
    first.rename(second)
    done = snakemake(*call, "--dry-run", cwd=second)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout[-3000:]


@pytest.mark.parametrize("spelling", ["results/", "./results", "{project}/results"])
def test_one_folder_has_one_name_however_it_is_spelled(smoke, snakemake, spelling):
    root = spelling.format(project=smoke.project)
    done = snakemake(*SMOKE, "--dry-run", "--config", f"results_root={root}", cwd=smoke.project)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout[-3000:]


def test_files_name_no_absolute_path(smoke):
    """Neither the results nor what Snakemake remembers holds the project's own place."""
    place = str(smoke.project).encode()
    text = [".csv", ".json", ".ipynb", ".html", ".tex", ".svg"]
    files = [path for path in smoke.results.rglob("*") if path.suffix in text]
    assert len(files) > 100
    assert [path for path in files if place in path.read_bytes()] == []
    metadata = Path(smoke.project, ".snakemake", "metadata")
    found = subprocess.run(
        ["grep", "-rlF", str(smoke.project), str(metadata)], capture_output=True, text=True
    )
    assert found.stdout == ""
