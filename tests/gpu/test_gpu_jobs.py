"""Jobs on a GPU: several at once, one that runs out of memory, one whose GPU fails."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from stripes import changed, stripes

import passband
from passband import models
from passband.compute import Compute
from passband.jobs import job
from passband.training.checkpoint import State
from passband.training.engine import train

LARGE = changed(
    {"epochs": 3, "batch_size": 4000, "validation": {"fraction": 0.1}, "select": "last"}
)


def trained(checkpoint: Path, compute: Compute, until: int | None = None) -> State:
    """Train for three epochs with one batch each, which takes some 300 MB."""
    return train(
        LARGE,
        stripes(4500),
        models.build("resnet8_w8", 1, 2, 16, seed=0),
        name="large",
        seed=0,
        data_sha256="0",
        compute=compute,
        checkpoint=checkpoint,
        until=until,
    )


def failing(folder: Path, compute: Compute) -> list[str]:
    """The lines of the log of a job that trains and fails."""
    with pytest.raises(SystemExit), job(str(folder / "one.log"), lower="batch_size of its recipe"):
        trained(folder / "state", compute)
    return (folder / "one.log").read_text().splitlines()


@pytest.fixture(autouse=True)
def streams(monkeypatch):
    """Restore pytest's streams, which a job replaces."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))


@pytest.fixture
def little_memory(gpu):
    """Limits how much more GPU memory the process can reserve."""

    def limit(megabytes: int) -> None:
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(gpu.device).total_memory
        wanted = torch.cuda.memory_reserved() + megabytes * 1_000_000
        torch.cuda.set_per_process_memory_fraction(wanted / total)

    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0)


def check_memory(log: list[str]) -> None:
    """The log's last line says what to lower."""
    last = log[-1]
    assert last.startswith("Error: the GPU ran out of memory (CUDA out of memory. Tried to")
    assert "or lower batch_size of its recipe; the last checkpoint is kept." in last


@pytest.mark.parametrize("engine", ["eager", "graphs"])
def test_too_large_a_batch_is_a_sentence_and_nothing_is_lost(tmp_path, gpu, engine, little_memory):
    compute = gpu.with_engine(engine)
    trained(tmp_path / "state", compute, until=1)
    before = (tmp_path / "state").read_bytes()
    little_memory(100)
    check_memory(failing(tmp_path, compute))
    assert (tmp_path / "state").read_bytes() == before
    torch.cuda.set_per_process_memory_fraction(1.0)
    state = trained(tmp_path / "state", compute)
    assert state.resumed == 1 and len(state.history) == 3


def test_memory_that_ends_in_a_capture_is_the_same_sentence(
    tmp_path, gpu, little_memory, monkeypatch
):
    class Tight(torch.cuda.graph):
        def __enter__(self):
            super().__enter__()
            torch.cuda.set_per_process_memory_fraction(1e-6)

    monkeypatch.setattr(torch.cuda, "graph", Tight)
    check_memory(failing(tmp_path, gpu.with_engine("graphs")))


def test_a_gpu_that_fails_is_a_sentence_and_nothing_is_lost(tmp_path, gpu, monkeypatch):
    compute = gpu.with_engine("graphs")
    trained(tmp_path / "state", compute, until=1)
    before = (tmp_path / "state").read_bytes()
    lost = torch.AcceleratorError("CUDA error: unspecified launch failure\nSearch for it in")

    def replay(graph: torch.cuda.CUDAGraph) -> None:
        raise lost

    with monkeypatch.context() as patched:
        patched.setattr(torch.cuda.CUDAGraph, "replay", replay)
        log = failing(tmp_path, compute)
    assert log[-1].startswith("Error: the GPU failed (CUDA error: unspecified launch failure): ")
    assert (tmp_path / "state").read_bytes() == before
    assert len(trained(tmp_path / "state", compute).history) == 3


JOB = """
import sys, time
from pathlib import Path
import torch
from passband.compute import choose

folder, name = Path(sys.argv[1]), sys.argv[2]
compute = choose(1, gpus=1)
(folder / name).touch()
x = torch.ones(1000, 1000, device=compute.device)
while not (folder / "enough").exists():
    assert (x @ x).sum().item() == 1e9
    time.sleep(0.01)
"""


def test_as_many_jobs_as_the_profile_says_share_a_gpu_and_the_next_one_waits(tmp_path):
    source = str(Path(passband.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": source, "CUDA_VISIBLE_DEVICES": "0"}
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", JOB, str(tmp_path), name],
            env=environment | {"PASSBAND_GPU_JOBS": "2"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two", "three")
    ]
    end = time.monotonic() + 60
    while len(list(tmp_path.iterdir())) < 2:
        assert time.monotonic() < end and all(one.poll() is None for one in jobs)
        time.sleep(0.1)
    time.sleep(3)
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "enough").touch()
    said = [one.communicate(timeout=60)[1] for one in jobs]
    assert [one.returncode for one in jobs] == [0, 0, 0], said
    assert sum("Waiting for a GPU" in one for one in said) == 1
    assert len(list(tmp_path.iterdir())) == 4
