"""How a job ends: asked to, killed, without memory, on a terminal of any kind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from passband.jobs import end_jobs, killed_jobs

HEAD = "import os, sys, time\nfrom passband.jobs import ending_at_checkpoints, job\n"
ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
NO_UTF8 = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
TEXT = "Größe × 3 λ"


def start(folder: Path, body: str, lower: str = "", **environment: str) -> subprocess.Popen:
    """A job whose log is one.log; `body` is indented by four spaces."""
    script = folder / "script.py"
    text = f"{HEAD}with job({str(folder / 'one.log')!r}, lower={lower!r}):\n{body}"
    script.write_text(text, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, script],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(folder: Path, body: str, **settings: str) -> tuple[int, bytes]:
    """The exit status of a job, and what it said."""
    process = start(folder, body, **settings)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output + errors


def wait_for(path: Path) -> None:
    end = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.02)


EPOCHS = """
    with ending_at_checkpoints() as end:
        for epoch in range(100):
            open("{folder}/epoch", "w").close()
            time.sleep(1.5)
            print("checkpoint", epoch)
            end()
"""


def by_signal(process: subprocess.Popen, folder: Path) -> None:
    process.send_signal(signal.SIGTERM)


def by_mark(process: subprocess.Popen, folder: Path) -> None:
    end_jobs(folder)


@pytest.mark.parametrize("ask", [by_signal, by_mark])
def test_a_training_ends_at_its_next_checkpoint(tmp_path, ask):
    process = start(tmp_path, EPOCHS.format(folder=tmp_path))
    wait_for(tmp_path / "epoch")
    ask(process, tmp_path)
    assert process.wait(timeout=30) == 130
    said = (tmp_path / "one.log").read_text()
    assert said.startswith("checkpoint 0\n") and said.count("checkpoint") <= 2
    assert said.endswith("Interrupted. Run the same command to continue.\n")
    assert not killed_jobs(tmp_path)


@pytest.mark.parametrize("ask", [by_signal, by_mark])
def test_a_job_without_checkpoints_ends_at_once(tmp_path, ask):
    process = start(tmp_path, f"    open('{tmp_path}/ready', 'w').close()\n    time.sleep(100)\n")
    wait_for(tmp_path / "ready")
    ask(process, tmp_path)
    assert process.wait(timeout=30) == 130
    assert "Interrupted" in (tmp_path / "one.log").read_text()


def test_a_killed_job_is_said_with_its_memory_and_a_key(tmp_path):
    body = f"""
    taken = b'x' * 300_000_000
    time.sleep(2.5)
    open('{tmp_path}/ready', 'w').close()
    time.sleep(100)
"""
    process = start(tmp_path, body, lower="train_images")
    wait_for(tmp_path / "ready")
    process.kill()
    process.wait()
    (sentence,) = killed_jobs(tmp_path)
    assert f"The job of {tmp_path}/one.log was killed or crashed, perhaps for want" in sentence
    used = sentence.partition("had used ")[2].partition(" MB")[0]
    assert 300 < int(used.replace(",", "")) < 500
    assert "or lower train_images; on a cluster raise the rule's mem_mb." in sentence
    assert not killed_jobs(tmp_path), "it is said once"


def test_a_job_is_not_killed_by_its_own_end(tmp_path):
    """The mark is removed while its watcher looks at it, here as often as it can."""
    body = f"""
    pass
import passband.jobs
passband.jobs.BEAT = 1e-5
for number in range(300):
    with job({str(tmp_path / "other.log")!r}):
        time.sleep(number * 1e-6)
"""
    assert run(tmp_path, body) == (0, b"")


@pytest.mark.parametrize(
    "error",
    [
        "MemoryError()",
        "RuntimeError('[enforce fail] DefaultCPUAllocator: can\\'t allocate memory: you tried')",
    ],
)
def test_an_allocation_that_fails_is_a_sentence(tmp_path, error):
    status, _ = run(tmp_path, f"    raise {error}\n", lower="test_images")
    said = (tmp_path / "one.log").read_text()
    assert status == 1 and said.count("\n") == 1
    assert said.startswith("Error: memory did not suffice (") and "or lower test_images;" in said


FULL = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB"
GONE = "CUDA error: unspecified launch failure\\nSearch for `cudaErrorLaunchFailure' in"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (f"torch.OutOfMemoryError({FULL!r})", "CUDA out of memory. Tried to allocate 2.00 GiB"),
        ("torch.AcceleratorError('CUDA error: out of memory')", "CUDA error: out of memory"),
        (
            "RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`')",
            "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`",
        ),
    ],
)
def test_a_gpu_without_memory_is_a_sentence(tmp_path, error, reason):
    status, _ = run(tmp_path, f"    import torch\n    raise {error}\n", lower="batch_size")
    said = (tmp_path / "one.log").read_text()
    assert status == 1 and said == (
        f"Error: the GPU ran out of memory ({reason}); this job had used 0 MB of it. Run "
        "fewer jobs at a time on a GPU (gpu in the profile), or lower batch_size; the last "
        "checkpoint is kept.\n"
    )


@pytest.mark.parametrize("kind", ["torch.AcceleratorError", "RuntimeError"])
def test_a_gpu_that_goes_away_is_a_sentence_below_the_traceback(tmp_path, kind):
    status, _ = run(tmp_path, f'    import torch\n    raise {kind}("{GONE}")\n')
    said = (tmp_path / "one.log").read_text()
    assert status == 1 and said.startswith("Traceback")
    assert said.splitlines()[-1] == (
        "Error: the GPU failed (CUDA error: unspecified launch failure): check that nvidia-smi "
        "still lists it, and run the same command to resume from the last checkpoint."
    )


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        ("open('/dev/null/x')", "a file stands where a folder is needed: cannot use /dev/null/x"),
        (
            "raise OSError(28, 'No space', '/tmp/notebook')",
            "the disk is full: cannot use /tmp/note",
        ),
        ("raise OSError(24, 'Too many')", "too many files are open: cannot go on; raise"),
    ],
)
def test_an_error_of_the_machine_is_a_sentence(tmp_path, raised, told):
    status, _ = run(tmp_path, f"    {raised}\n")
    said = (tmp_path / "one.log").read_text()
    assert status == 1 and said.startswith(f"Error: {told}") and said.count("\n") == 1


@pytest.mark.parametrize("locale", [ASCII, NO_UTF8], ids=["streams", "everything"])
def test_an_ascii_terminal_gets_every_message(tmp_path, locale):
    body = (
        f"    print('{TEXT}')\n    print('{TEXT}', file=sys.stderr)\n    raise KeyError('{TEXT}')\n"
    )
    status, said = run(tmp_path, body, **locale)
    escaped = TEXT.encode("ascii", "backslashreplace")
    assert status == 1 and said.count(escaped) == 2
    log = (tmp_path / "one.log").read_bytes()
    own = TEXT.encode() if locale is ASCII else escaped
    assert log.count(own) >= 3 and b"KeyError" in log


def test_a_reader_that_left_stops_no_job(tmp_path):
    process = start(tmp_path, "    time.sleep(0.5)\n    print('x' * 100_000)\n    print('end')\n")
    process.stdout.close()
    assert process.wait(timeout=60) == 0, process.stderr.read()
    assert (tmp_path / "one.log").read_text().endswith("x\nend\n")


def test_a_log_that_cannot_be_opened_stops_no_job(tmp_path):
    (tmp_path / "one.log").mkdir()
    status, said = run(tmp_path, "    print('done')\n")
    assert status == 0 and b"There is no log" in said and said.startswith(b"done\n")
