"""Atomic writes: a reader sees the old file or the complete new one, never a partial one."""

import csv
import errno
import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save

from passband.errors import UserError


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and move it into place when the block succeeds.

    Raises:
        UserError: the folder is not writable or the disk is full.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: object) -> None:
    """Write indented JSON atomically."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_csv(path: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows as CSV atomically, floats with six significant digits.

    Args:
        path: the file.
        rows: at least one; all have the keys of the first.
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
    write_text(path, text.getvalue())


def json_header(metadata: Mapping[str, object]) -> dict[str, str]:
    """Metadata of a safetensors file as JSON under a single key.

    The library writes keys in random order; with a single key equal content gives equal bytes.
    """
    return {"json": json.dumps(metadata)}


def write_arrays(
    path: str | Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, object]
) -> None:
    """Write named arrays and metadata as safetensors, atomically."""
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    with replacing(path) as part:
        part.write_bytes(save(contiguous, metadata=json_header(metadata)))


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read the arrays of a file written by `write_arrays`."""
    return load_file(path)


def read_metadata(path: str | Path) -> dict[str, object]:
    """Read the metadata of a file written by `write_arrays`."""
    with safe_open(path, framework="numpy") as file:
        return json.loads(file.metadata()["json"])


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _explained(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"the disk is full or the quota is exceeded: cannot write {path}; free some space and "
            "run the same command again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        return UserError(
            f"cannot write {path}: {error.strerror.lower()}; "
            "make the folder writable or set results_root to another folder."
        )
    return error
