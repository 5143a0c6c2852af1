"""Several runs that prepare one data set: one does it, all end well, no file is taken away."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from archives import svhn_archives

from passband.data import preparation
from passband.data.preparation import alone, prepare
from passband.data.storage import load
from passband.errors import UserError

PREPARED = ("train.safetensors", "test.safetensors", "dataset.json")
HOLDER = """
import sys, time
from pathlib import Path
from passband.data.preparation import alone
with alone(Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def svhn(publish) -> None:
    publish("svhn", svhn_archives(train=200))


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells whether a file was written anew."""
    found = {name: (folder / name).stat() for name in PREPARED}
    return {name: (one.st_ino, one.st_mtime_ns) for name, one in found.items()}


def holder(folder: Path, seconds: float) -> subprocess.Popen:
    """Another process that holds the folder of a data set."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), str(seconds)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"holds\n"
    return process


def test_runs_that_start_together_prepare_it_once(svhn, server, tmp_path, monkeypatch):
    parsed, done, parse = [], [], preparation._prepare

    def slow(*arguments: object) -> None:
        parsed.append(arguments)
        time.sleep(0.3)
        parse(*arguments)

    monkeypatch.setattr(preparation, "_prepare", slow)

    def run() -> None:
        prepare("svhn", tmp_path)
        done.append(state(tmp_path))

    runs = [threading.Thread(target=run) for _ in range(4)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert len(parsed) == 1 and done == done[:1] * 4
    assert [name for name, _ in server.requests] == ["train_32x32.mat", "test_32x32.mat"]
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_waits_for_another_and_says_so(svhn, tmp_path, capsys):
    other = holder(tmp_path, 1)
    prepare("svhn", tmp_path)
    assert other.wait() == 0, "it was waited for"
    assert f"waiting: another run is preparing {tmp_path}" in capsys.readouterr().err
    assert len(load(tmp_path, "train").labels) == 200


def test_the_lock_dies_with_its_holder(svhn, tmp_path):
    other = holder(tmp_path, 600)
    threading.Timer(0.3, other.send_signal, [signal.SIGKILL]).start()
    prepare("svhn", tmp_path)
    other.wait()
    assert len(load(tmp_path, "train").labels) == 200


def test_what_is_complete_is_left_as_it_is_without_waiting(svhn, server, tmp_path):
    prepare("svhn", tmp_path)
    before = state(tmp_path)
    other = holder(tmp_path, 600)
    prepare("svhn", tmp_path)
    other.kill()
    other.wait()
    assert state(tmp_path) == before and len(server.requests) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_complete_set_needs_no_writable_folder(svhn, tmp_path):
    prepare("svhn", tmp_path)
    tmp_path.chmod(0o500)
    try:
        prepare("svhn", tmp_path)
    finally:
        tmp_path.chmod(0o700)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", PREPARED)
@pytest.mark.parametrize("damage", [truncate, Path.unlink, lambda path: path.write_bytes(b"")])
def test_what_is_damaged_is_made_again(svhn, tmp_path, name, damage):
    prepare("svhn", tmp_path)
    whole = {one: (tmp_path / one).read_bytes() for one in PREPARED}
    damage(tmp_path / name)
    prepare("svhn", tmp_path)
    assert {one: (tmp_path / one).read_bytes() for one in PREPARED} == whole


def test_a_flipped_bit_is_damage(svhn, tmp_path):
    prepare("svhn", tmp_path)
    whole = (tmp_path / "train.safetensors").read_bytes()
    flip(tmp_path / "train.safetensors")
    prepare("svhn", tmp_path)
    assert (tmp_path / "train.safetensors").read_bytes() == whole


def test_other_archives_or_other_code_prepare_it_anew(publish, tmp_path, monkeypatch):
    publish("svhn", svhn_archives(train=6))
    prepare("svhn", tmp_path)
    publish("svhn", svhn_archives(train=7))
    prepare("svhn", tmp_path)
    assert len(load(tmp_path, "train").labels) == 7
    before = state(tmp_path)
    monkeypatch.setattr(preparation, "_code", lambda: "of another version")
    prepare("svhn", tmp_path)
    assert state(tmp_path) != before
    described = json.loads((tmp_path / "dataset.json").read_text())
    assert described["prepared_by"] == "of another version"


def test_the_checksum_of_the_code_covers_the_parsers(monkeypatch):
    files = {Path(file).name for file in preparation.code(Path(preparation.__file__))}
    assert {"preparation.py", "parsers.py", "registry.py", "files.py"} <= files
    assert len(bytes.fromhex(preparation._code())) == hashlib.sha256().digest_size


def test_a_folder_below_a_file_is_explained(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot lock .*file"), alone(tmp_path / "file/data"):
        pass
