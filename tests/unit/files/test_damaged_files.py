"""Whoever reads a stored file notices what has changed in it, and names it."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from passband.errors import Damaged, UserError
from passband.files import (
    read_arrays,
    read_csv,
    read_json,
    read_metadata,
    read_text,
    write_arrays,
    write_csv,
    write_json,
)
from passband.measurements import (
    LABELS,
    MEASURED,
    check_collected,
    collected,
    read_rows,
    write_measurement,
)
from passband.runs import read_epochs, write_run
from passband.tensors import check_finite, read_tensors, write_tensors

ARRAYS = {"values": np.arange(6, dtype=np.float32), "bits": np.array([[0, 1]], np.uint8)}
ROWS = [
    dict(
        zip(
            (*LABELS, *MEASURED),
            (*"DAMm", 0, "p", f"k={k}", "accuracy", 50.0, 10, "%"),
            strict=True,
        )
    )
    for k in range(3)
]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """An arrays file, and its bytes."""
    path = tmp_path_factory.mktemp("stored") / "arrays.safetensors"
    write_arrays(path, ARRAYS, {"attacks": ["pgd-20"], "share": 0.5})
    return path, path.read_bytes()


@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(stored, data):
    path, content = stored
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    changed = bytearray(content)
    changed[place // 8] ^= 1 << place % 8
    path.write_bytes(changed)
    for read in (read_arrays, read_metadata, read_tensors):
        with pytest.raises(
            Damaged, match=rf"^{path} is damaged \(.+\): remove it and run again\.$"
        ):
            read(path)
    path.write_bytes(content)
    assert read_metadata(path) == {"attacks": ["pgd-20"], "share": 0.5}


@given(st.data())
def test_a_file_that_was_cut_off_is_noticed(stored, data):
    path, content = stored
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    for read in (read_arrays, read_metadata, read_tensors):
        with pytest.raises(Damaged, match=rf"^{path} is damaged"):
            read(path)
    path.write_bytes(content)
    np.testing.assert_array_equal(read_arrays(path)["values"], ARRAYS["values"])


def test_a_stored_file_is_plain_safetensors(tmp_path):
    """Other programs read it, and the same content gives the same bytes."""
    for name in ("one", "other"):
        write_arrays(tmp_path / name, ARRAYS, {"share": 0.5})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    with safe_open(tmp_path / "one", framework="numpy") as file:
        told = json.loads(file.metadata()["json"])
        assert set(file.keys()) == set(ARRAYS)
    assert set(told) == {"sha256", "share"} and len(told["sha256"]) == 64


def test_tensors_and_arrays_are_one_format(tmp_path):
    tensors = {name: torch.from_numpy(array) for name, array in ARRAYS.items()}
    write_tensors(tmp_path / "tensors", tensors, {"a": 1})
    write_arrays(tmp_path / "arrays", ARRAYS, {"a": 1})
    assert (tmp_path / "tensors").read_bytes() == (tmp_path / "arrays").read_bytes()
    found = read_tensors(tmp_path / "arrays")
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_numbers_that_are_not_finite_are_noticed(tmp_path):
    check_finite(tmp_path, {"a": torch.tensor([1, 2]), "b": torch.tensor([0.5])})
    for value in (float("nan"), float("inf")):
        with pytest.raises(Damaged, match=r"is damaged \(b has a value that is not finite\)"):
            check_finite(tmp_path, {"b": torch.tensor([0.5, value])})


# ---- text


@pytest.mark.parametrize("content", ["", "\n", "a,b\n1", "a,b\n1,2\n3", "a,b\n1,2,3\n", "a\n1\n"])
def test_a_table_that_is_not_whole_is_noticed(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_text(content)
    with pytest.raises(Damaged, match=rf"^{path} is damaged"):
        read_csv(path, ("a", "b"))


def test_a_table_without_its_last_rows_is_noticed(tmp_path):
    path = tmp_path / "table.csv"
    checksum = write_csv(path, [{"a": 1.5, "b": "x"}, {"a": 2, "b": ""}])
    assert read_csv(path, "ab") == [{"a": "1.5", "b": "x"}, {"a": "2", "b": ""}]
    assert read_text(path, checksum) == "a,b\n1.5,x\n2,\n"
    path.write_text("a,b\n1.5,x\n")
    with pytest.raises(Damaged, match="checksum is not that of the file that was written"):
        read_text(path, checksum)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"{}", b'{"a": 1', b"\xff\xfe", b"null"])
def test_json_that_is_not_whole_is_noticed(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(Damaged, match=rf"^{path} is damaged"):
        read_json(path, ("a",))
    write_json(path, {"a": 1})
    assert read_json(path, ("a",)) == {"a": 1}


@pytest.mark.parametrize("read", [read_text, read_json, read_csv, read_arrays, read_metadata])
def test_a_file_that_cannot_be_opened_is_named(tmp_path, read):
    with pytest.raises(UserError, match=rf"^there is no {tmp_path}/none: run again to make it"):
        read(tmp_path / "none")
    with pytest.raises(UserError, match=rf"^cannot read {tmp_path}: is a directory"):
        read(tmp_path)


# ---- measurements and trainings


def write_one(folder):
    paths = folder / "p.csv", folder / "p.safetensors"
    write_measurement(*paths, ROWS, ARRAYS, {"attacks": ["pgd-20"]})
    return paths


def test_rows_of_a_job_are_whole_or_refused(tmp_path):
    csv, arrays = write_one(tmp_path)
    assert len(read_rows(csv, arrays)) == 3
    lines = csv.read_text().splitlines(keepends=True)
    for damaged in (lines[:-1], lines[:1], [*lines[:-1], lines[-1].replace("50", "51")], []):
        csv.write_text("".join(damaged))
        with pytest.raises(Damaged, match=rf"^{csv} is damaged"):
            read_rows(csv, arrays)
        with pytest.raises(Damaged, match=rf"^{csv} is damaged"):
            collected([(csv, arrays)])


def test_rows_of_another_job_are_refused(tmp_path):
    write_arrays(tmp_path / "other", ARRAYS, {})
    csv, _ = write_one(tmp_path)
    with pytest.raises(Damaged, match=r"other is damaged \(it does not tell the checksum of"):
        read_rows(csv, tmp_path / "other")


def test_all_measurements_are_one_table(tmp_path):
    (tmp_path / "other").mkdir()
    jobs = [write_one(tmp_path), write_one(tmp_path / "other")]
    assert len(collected(jobs).splitlines()) == 7
    assert collected([]) == ",".join((*LABELS, *MEASURED)) + "\n"


def test_the_table_of_all_measurements_is_whole_or_refused(tmp_path):
    job, table = write_one(tmp_path), tmp_path / "all.csv"
    table.write_text(collected([job]))
    check_collected(table, [job])
    whole = table.read_bytes()
    for damaged in (whole[:-20], b"", whole.replace(b"50", b"51", 1)):
        table.write_bytes(damaged)
        with pytest.raises(Damaged, match=rf"^{table} is damaged"):
            check_collected(table, [job])


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_tables_of_a_training_are_whole_or_refused(tmp_path, lost):
    files = {"run": tmp_path / "run.json", "history": tmp_path / "history.csv"}
    rows = [{"epoch": 1, "train_loss": 0.5}, {"epoch": 2, "train_loss": 0.25}]
    write_run(files["run"], {"model": "m"}, {"history": (files["history"], rows)})
    assert read_epochs(files, "history") == "epoch,train_loss\n1,0.5\n2,0.25\n"
    with pytest.raises(Damaged, match=r"run\.json is damaged \(it does not tell the checksum of"):
        read_epochs(files | {"curves": tmp_path / "curves.csv"}, "curves")
    lines = files["history"].read_text().splitlines(keepends=True)
    files["history"].write_text("".join(lines[:-lost]))
    with pytest.raises(Damaged, match=r"history\.csv is damaged"):
        read_epochs(files, "history")
