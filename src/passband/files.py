"""Whole files: written atomically and to the disk, and checked when they are read."""

import csv
import errno
import hashlib
import io
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from passband.errors import Damaged, UserError, explained
from passband.litter import in_use

# A safetensors file of ours begins with its own SHA-256, taken with zeros in the checksum's place.
NO_SEAL = "0" * 64
SEAL_BEGINS = b'{"__metadata__":{"json":"{\\"sha256\\": \\"'
SEAL = slice(8 + len(SEAL_BEGINS), 8 + len(SEAL_BEGINS) + len(NO_SEAL))


# ---- writing


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and move it into place when the block succeeds.

    A killed process or a power failure leaves the old file or the whole new one.

    Raises:
        UserError: the folder is not writable or the disk is full.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with in_use(part):
            yield part
            put_in_place(part, path)
    except OSError as error:
        raise _explained(error, path, part) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Rename `part` to `path`; its content is on the disk before, and the new name afterwards."""
    _flush(part)
    os.replace(part, path)
    with suppress(OSError):  # some file systems flush no folders
        _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | Path, text: str) -> str:
    """Write UTF-8 text atomically; return its SHA-256 in hexadecimal."""
    content = text.encode("utf-8")
    with replacing(path) as part:
        part.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def write_json(path: str | Path, content: object) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: str | Path, rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as CSV atomically, floats with six significant digits.

    Args:
        path: the file.
        rows: at least one; all have the keys of the first.

    Returns:
        The SHA-256 of the file, which `read_text` compares.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                key: f"{value:.6g}" if isinstance(value, float) else value
                for key, value in row.items()
            }
        )
    return write_text(path, text.getvalue())


def json_header(metadata: Mapping[str, object]) -> dict[str, str]:
    """Metadata of a safetensors file as JSON under a single key, with room for a checksum.

    The library writes keys in random order; with a single key equal content gives equal bytes.
    """
    return {"json": json.dumps({"sha256": NO_SEAL, **metadata})}


def write_sealed(path: str | Path, content: bytes) -> None:
    """Write a safetensors file whose metadata is a `json_header`, with its checksum, atomically."""
    seal, view = hashlib.sha256(content).hexdigest().encode(), memoryview(content)
    with replacing(path) as part, part.open("wb") as file:
        for piece in (view[: SEAL.start], seal, view[SEAL.stop :]):
            file.write(piece)


def write_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, object]
) -> None:
    """Write named arrays and metadata as safetensors, atomically."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_sealed(path, save(contiguous, metadata=json_header(metadata)))


# ---- reading


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Explain what a file raises in the block that reads it.

    Raises:
        UserError: the file is missing or cannot be read.
        Damaged: its content cannot be parsed.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"there is no {path}: run again to make it.") from error
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {(error.strerror or str(error)).lower()}; make it readable, or "
            "remove it and run again."
        ) from error
    except (SafetensorError, csv.Error, ValueError) as error:
        raise Damaged(path, str(error)) from error


def read_text(path: str | Path, sha256: str | None = None) -> str:
    """Read UTF-8 text, which is never empty.

    Args:
        path: the file.
        sha256: of the file that was written, where it is known.

    Raises:
        UserError: the file is missing or cannot be read.
        Damaged: it is not the file that was written.
    """
    with reading(path):
        content = Path(path).read_bytes()
        text = content.decode("utf-8")
    if not text.strip():
        raise Damaged(path, "it is empty")
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise Damaged(path, "its checksum is not that of the file that was written")
    return text


def read_json(path: str | Path, keys: Collection[str] = ()) -> dict:
    """Read a JSON object.

    Args:
        path: the file.
        keys: those that it has to have.

    Raises:
        UserError: the file is missing or cannot be read.
        Damaged: it is no JSON object or lacks a key.
    """
    with reading(path):
        content = json.loads(read_text(path))
    if not isinstance(content, dict) or not content.keys() >= set(keys):
        raise Damaged(path, f"it does not hold {', '.join(keys) or 'a JSON object'}")
    return content


def read_csv(path: str | Path, columns: Collection[str] = ()) -> list[dict[str, str]]:
    """Read the rows of a CSV file: whole lines, each with a field for every column.

    Args:
        path: the file.
        columns: those that it has to have.

    Raises:
        UserError: the file is missing or cannot be read.
        Damaged: a column is missing, or a part of a line.
    """
    text = read_text(path)
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval=None)
    with reading(path):
        rows = list(reader)
    if missing := set(columns) - set(reader.fieldnames):
        raise Damaged(path, f"it has no column {', '.join(sorted(missing))}")
    if not text.endswith("\n") or any("" in row or None in row.values() for row in rows):
        raise Damaged(path, "it is cut off")
    return rows


def check_seal(path: str | Path) -> None:
    """Compare a file with the checksum that `write_sealed` put into it.

    Raises:
        UserError: the file is missing or cannot be read.
        Damaged: a bit of it has changed.
    """
    with reading(path), open(path, "rb") as file:
        head = file.read(SEAL.stop)
        begun = hashlib.sha256(head[: SEAL.start] + NO_SEAL.encode())
        found = hashlib.file_digest(file, lambda: begun).hexdigest()
    if not head:
        raise Damaged(path, "it is empty")
    if head[8 : SEAL.start] != SEAL_BEGINS:
        raise Damaged(path, "it does not begin with a checksum")
    if head[SEAL] != found.encode():
        raise Damaged(path, "its checksum does not fit its content")


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of a file written by `write_arrays`.

    Raises:
        Damaged: a bit of it has changed.
    """
    check_seal(path)
    with reading(path):
        return load_file(path)


def read_metadata(path: str | Path) -> dict[str, object]:
    """Read the metadata of a file written by `write_arrays`.

    Raises:
        Damaged: a bit of the file has changed.
    """
    check_seal(path)
    with reading(path), safe_open(path, framework="numpy") as file:
        metadata = json.loads(file.metadata()["json"])
    del metadata["sha256"]
    return metadata


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_writable(folder: Path, elsewhere: str) -> None:
    """Raise UserError, with `elsewhere` as the way out, unless `folder` takes a small file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 16))
    except OSError as error:
        doing = f"cannot write to {folder} ({error.strerror})"
        raise explained(error, doing, elsewhere) or error from error


def _explained(error: OSError, path: Path, part: Path) -> Exception:
    """What kept `path` from being written; an error about another file stays what it is."""
    if error.filename not in (None, *map(str, (part, *path.parents))):
        return error
    if error.errno == errno.ENOENT:
        return UserError(f"the folder of {path} was removed meanwhile; run again.")
    return explained(error, f"cannot write {path}") or error
