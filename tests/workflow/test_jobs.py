"""Files that are replaced whole or not at all, and jobs that say what went wrong."""

import errno
import json
import os
import re
import resource
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from passband import jobs
from passband.errors import UserError, unknown
from passband.files import (
    read_arrays,
    read_metadata,
    replacing,
    write_arrays,
    write_json,
    write_text,
)
from passband.jobs import job

FULL = Path("/dev/full")
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def fill(path: Path) -> Path:
    """Make the next write to `path` meet a full disk; the name of the part beside it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.symlink_to(FULL)
    return part


@needs_full_device
@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_text(path, "new" * 10_000),
        lambda path: write_json(path, {"new": 1}),
        lambda path: write_arrays(path, {"new": np.zeros(10_000)}, {}),
    ],
    ids=["text", "json", "arrays"],
)
def test_a_full_disk_is_one_sentence_and_keeps_the_old_file(tmp_path, write):
    path = tmp_path / "result"
    path.write_text("old")
    fill(path)
    with pytest.raises(UserError, match=r"^the disk is full.*: cannot write .*result; free some"):
        write(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["result"]


@pytest.mark.parametrize(
    ("number", "fragment"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the quota is used up"),
        (errno.EFBIG, "the file is larger than this disk .* allows.*; raise the limit"),
        (errno.EROFS, "the disk is read-only: .*; set results_root"),
        (errno.EACCES, "permission denied: .*; make the folder writable or set results_root"),
        (errno.EISDIR, "a folder stands where the file belongs: .*; remove the folder"),
        (errno.ENOENT, "the folder of .* was removed meanwhile"),
        (errno.ENAMETOOLONG, "the name is too long for this disk: .*; shorten it"),
        (errno.EIO, "the disk reports a fault: .*; check it"),
        (errno.ESTALE, "the network disk has lost it: .*; wait"),
        (errno.EMFILE, "too many files are open: .*; raise `ulimit -n`"),
        (errno.ENOMEM, "memory did not suffice: .*; run fewer jobs"),
    ],
    ids=errno.errorcode.get,
)
def test_what_storage_refuses_is_one_sentence_of_its_own(tmp_path, number, fragment):
    with pytest.raises(UserError, match=f"^{fragment}") as raised, replacing(tmp_path / "result"):
        raise OSError(number, os.strerror(number))
    full = number in (errno.ENOSPC, errno.EDQUOT)
    assert full == ("free some space" in str(raised.value))
    assert not list(tmp_path.iterdir())


def test_an_error_about_another_file_is_not_one_of_writing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"font\.ttf"), replacing(tmp_path / "result"):
        (tmp_path / "font.ttf").read_bytes()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"^a file stands where a folder is needed: .*; remove"):
        write_text(tmp_path / "file" / "result", "text")
    assert (tmp_path / "file").read_text() == "in the way"


def test_other_errors_stay_what_they_are(tmp_path):
    path = tmp_path / "result"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text("half of the n")
        _ = 1 / 0
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["result"]


def test_arrays_and_their_metadata_come_back(tmp_path):
    path = tmp_path / "folder" / "arrays.safetensors"
    arrays = {
        "floats": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "bytes": np.array([0, 255], np.uint8),
        "empty": np.zeros((0, 4), np.int64),
    }
    metadata = {"classes": ["×", "b"], "none": None, "share": 0.5}
    write_arrays(path, arrays, metadata)
    stored = read_arrays(path)
    assert stored.keys() == arrays.keys()
    for name, array in arrays.items():
        assert stored[name].dtype == array.dtype
        np.testing.assert_array_equal(stored[name], array)
    assert read_metadata(path) == metadata


def run_job(tmp_path: Path, body: str, log: Path, inputs=()) -> subprocess.CompletedProcess:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom passband.errors import UserError\nfrom passband.jobs import job\n"
        f"with job({str(log)!r}, {list(map(str, inputs))}):\n    {body}\n"
    )
    return subprocess.run([sys.executable, script], capture_output=True, text=True)


def test_a_job_keeps_what_it_says(tmp_path):
    log = tmp_path / "logs/one.log"
    done = run_job(tmp_path, "print('out'); print('err', file=sys.stderr)", log)
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert log.read_text() == "out\nerr\n"


def test_a_job_writes_what_it_used(tmp_path):
    """Its own work and that of processes it waited for; from the start of the process, not ours."""
    child = "subprocess.run([sys.executable, '-c', 'sum(range(10**7))'])"
    body = f"import subprocess; kept = bytearray(2 * 10**8); {child}; time.sleep(1)"
    _parent = b"x" * 10**9  # a process starts with the peak of its parent in `ru_maxrss`
    done = run_job(tmp_path, f"import time; {body}", tmp_path / "one.log")
    assert done.returncode == 0, done.stderr
    used = json.loads((tmp_path / "one.json").read_text())
    assert used.keys() == {"seconds", "cpu_seconds", "memory_mb", "gpu_memory_mb"}
    assert used["seconds"] >= 1 and 0.1 < used["cpu_seconds"] < used["seconds"] + 1
    assert 200 < used["memory_mb"] < 700 and used["gpu_memory_mb"] == 0


def test_memory_is_known_where_the_system_does_not_say_the_peak(monkeypatch):
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "Name:\tpython\nVmRSS:\t1 kB\n")
    usage = [resource.getrusage(one).ru_maxrss for one in jobs.OWN]
    assert jobs._peak() >= max(usage) // 1000 > 0


def test_a_job_that_fails_writes_what_it_used_too(tmp_path):
    assert run_job(tmp_path, "1 / 0", tmp_path / "one.log").returncode == 1
    assert (tmp_path / "one.json").exists()


def test_a_users_mistake_is_one_sentence_in_the_log(tmp_path):
    log = tmp_path / "one.log"
    done = run_job(tmp_path, "raise UserError('the cable is unplugged.')", log)
    assert done.returncode == 1
    assert log.read_text() == "Error: the cable is unplugged.\n"
    assert "Traceback" not in done.stderr


def test_any_other_error_keeps_its_traceback(tmp_path):
    log = tmp_path / "one.log"
    done = run_job(tmp_path, "1 / 0", log)
    assert done.returncode == 1
    assert log.read_text().startswith("Traceback") and "ZeroDivisionError" in log.read_text()


@needs_full_device
def test_a_log_on_a_full_disk_does_not_hide_the_sentence(tmp_path):
    done = run_job(tmp_path, "raise UserError('the disk is full.')", FULL)
    assert done.returncode == 1
    assert "Error: the disk is full." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_job_gives_the_streams_back(tmp_path):
    before = sys.stdout, sys.stderr
    with pytest.raises(SystemExit), job(str(tmp_path / "one.log")):
        raise UserError("no.")
    assert (sys.stdout, sys.stderr) == (sys.__stdout__, sys.__stderr__)
    sys.stdout, sys.stderr = before


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("pgd-02", ["fgsm", "pgd-20"], "'pgd-02': did you mean 'pgd-20'? Known: fgsm, pgd-20."),
        ("zzz", ["fgsm", "pgd-20"], "'zzz'. Known: fgsm, pgd-20."),
        (20, ["pgd-20"], "'20': did you mean 'pgd-20'? Known: pgd-20."),
    ],
)
def test_unknown_names(name, known, hint):
    assert str(unknown("attack", name, known)) == f"unknown attack {hint}"


def test_an_input_from_the_future_ends_a_job_before_it_begins(tmp_path):
    log, inputs = tmp_path / "one.log", [tmp_path / name for name in ("a", "b", "c", "none")]
    for path in inputs[:3]:
        path.touch()
    body = f"from pathlib import Path; Path({str(tmp_path / 'made')!r}).touch()"
    assert run_job(tmp_path, body, log, inputs).returncode == 0
    (tmp_path / "made").unlink()
    tomorrow = time.time() + 86_400
    os.utime(inputs[0], (tomorrow, tomorrow - 100))
    os.utime(inputs[1], (tomorrow, tomorrow))
    done = run_job(tmp_path, body, log, inputs)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert not (tmp_path / "made").exists()
    date = rf"{datetime.fromtimestamp(tomorrow):%Y-%m-%d %H:%M:%S}"
    sentence = (
        rf"Error: {inputs[1]} is dated in the future, {date} \(and 1 more\), and now it is "
        r"[-\d]+ [:\d]+: set the clock right, `touch` the file and run again\.\n"
    )
    assert re.fullmatch(sentence, log.read_text()), log.read_text()


def test_clocks_may_differ_by_a_moment(tmp_path):
    path, now = tmp_path / "a", time.time()
    path.touch()
    os.utime(path, (now + 1, now + 1))
    assert run_job(tmp_path, "pass", tmp_path / "one.log", [path]).returncode == 0
