"""Programs that fail, and repositories that are not the project's."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from passband import gpus, programs
from passband.gpus import claim, why_no_gpu
from passband.origin import checkout
from passband.programs import ProgramError, output_of

GPU = "GPU 0: NVIDIA H100 (UUID: GPU-12345678)"


@pytest.fixture
def program(tmp_path, monkeypatch):
    """program(name, script): the only program of that name that is found."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    def write(name: str, script: str, mode: int = 0o755) -> None:
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "bin" / name).chmod(mode)

    return write


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (f"echo '{GPU}'; exit 9", f"nvidia-smi exits with 9 ({GPU})"),
        ("echo 'No devices were found'", "nvidia-smi lists none"),
        ("", "nvidia-smi lists none"),
        ("echo 'Driver mismatch' >&2; exit 18", "nvidia-smi exits with 18 (Driver mismatch)"),
        ("kill -9 $$", "nvidia-smi exits with -9"),
        ("exec sleep 5", "nvidia-smi gives no answer within 0.5 s"),
        ("printf 'GP\\377'", "nvidia-smi lists none"),
        (f"echo '{GPU}'; echo '  MIG 1g.10gb Device 0'", ""),
    ],
)
def test_what_nvidia_smi_prints_counts_only_if_it_succeeds(program, monkeypatch, script, why):
    monkeypatch.setattr(programs, "PATIENCE", 0.5)
    program("nvidia-smi", script)
    assert why_no_gpu() == why


def test_a_program_that_cannot_be_started(program, tmp_path):
    with pytest.raises(ProgramError, match=r"^there is no no-such-program$"):
        output_of("no-such-program")
    program("nvidia-smi", "exit 0", mode=0o644)
    if shutil.which("nvidia-smi") is None:
        assert "nvidia-smi" in why_no_gpu()


@pytest.mark.parametrize(("value", "hidden"), [("", True), ("-1", True), ("0", False), ("1,0", 0)])
def test_a_user_can_say_that_there_is_no_gpu(program, monkeypatch, value, hidden):
    program("nvidia-smi", f"echo '{GPU}'")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert why_no_gpu() == (f"CUDA_VISIBLE_DEVICES is '{value}'" if hidden else "")


CLAIM = """
import sys, time
from pathlib import Path
from passband import gpus
gpus.LOCKS = Path(sys.argv[1])
print(gpus.claim(["first", "second"]), flush=True)
time.sleep(100)
"""


def test_every_process_has_a_gpu_of_its_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpus, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(gpus, "HELD", [])
    monkeypatch.setattr(gpus, "PAUSE", 0.05)
    call = [sys.executable, "-c", CLAIM, tmp_path / "locks"]
    others = [subprocess.Popen(call, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    places = [int(one.stdout.readline()) for one in others]
    assert sorted(places) == [0, 1]
    waiting = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiting.stderr.readline() == "Waiting for a GPU: other jobs are using all of them.\n"
    time.sleep(0.2)
    assert waiting.poll() is None
    others[0].kill()  # a lock dies with its process
    assert int(waiting.stdout.readline()) == places[0]
    others[1].kill()
    assert claim(["first", "second"]) == places[1]
    waiting.kill()
    for process in (*others, waiting):
        process.communicate()


def test_jobs_share_gpus_if_there_are_to_be_more_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(gpus, "HELD", [])
    monkeypatch.setenv(gpus.JOBS_VARIABLE, "3")
    taken = [claim(["first", "second"]) for _ in range(3)]
    assert taken == [0, 1, 0], "every GPU has one job before any has two"
    call = [sys.executable, "-c", CLAIM, tmp_path / "locks"]
    with subprocess.Popen(call, stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr.readline().startswith("Waiting for a GPU")
        waiting.kill()


# ---- provenance


def git(folder: Path, *arguments: str) -> str:
    name = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    call = ["git", "-C", folder, *name, *arguments]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with sources, inside another git repository."""
    outer = tmp_path / "outer"
    project = outer / "project"
    for name in ("src/passband/a.py", "config/config.yaml", "README.md"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("text\n")
    (project / ".gitignore").write_text("/results/\n__pycache__/\n")
    git(outer, "init")
    git(outer, "add", ".")
    git(outer, "commit", "-m", "Everything")
    return project


@pytest.fixture
def own(project) -> Path:
    """The same, as a checkout of its own."""
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "The project")
    return project


def test_a_repository_around_the_project_is_not_its_own(project):
    found = checkout(project)
    assert (found.commit, found.dirty) == (None, None)
    assert found.no_commit == "the project is no git checkout of its own"


def test_a_folder_called_dot_git_makes_no_checkout(project):
    (project / ".git").mkdir()
    assert checkout(project).commit is None


def test_the_own_commit(own, monkeypatch):
    found = checkout(own)
    assert found == (git(own, "rev-parse", "HEAD"), False, None)
    monkeypatch.setenv("GIT_DIR", str(own.parent / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(own.parent))
    monkeypatch.setenv("GIT_INDEX_FILE", str(own.parent / ".git/index"))
    assert checkout(own) == found, "git's hooks set these"


@pytest.mark.parametrize(
    ("file", "dirty"),
    [
        ("src/passband/a.py", True),
        ("README.md", True),
        ("src/passband/new.py", True),
        ("config/papers/mine/paper.yaml", True),
        ("src/passband/größe neu.py", True),
        ("notes.txt", False),
        ("results/demo/findings.csv", False),
        ("src/passband/__pycache__/a.pyc", False),
    ],
)
def test_changes_and_untracked_sources_are_said(own, file, dirty):
    (own / file).parent.mkdir(parents=True, exist_ok=True)
    (own / file).write_text("something else\n")
    assert checkout(own).dirty == dirty


def test_what_the_user_ignores_everywhere_is_untracked_all_the_same(own, tmp_path, monkeypatch):
    (tmp_path / "ignore").write_text("*.py\n")
    (tmp_path / "gitconfig").write_text(
        f"[core]\nexcludesFile = {tmp_path}/ignore\n[status]\nshowUntrackedFiles = no\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    (own / "src/passband/new.py").write_text("x = 1\n")
    assert checkout(own).dirty


def test_a_git_that_fails_gives_no_commit(own, program):
    program("git", "echo 0123456789abcdef; exit 128")
    found = checkout(own)
    assert (found.commit, found.dirty) == (None, None)
    assert found.no_commit == "git exits with 128 (0123456789abcdef)"


def test_no_git_gives_no_commit(own, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkout(own) == (None, None, "there is no git")
    assert os.environ["PATH"] == str(tmp_path)
