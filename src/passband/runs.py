"""What is stored of a training beside its weights: run.json, and tables by epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from passband.errors import Damaged
from passband.files import read_json, read_text, write_csv, write_json

CHECKSUMS = "sha256"


def write_run(
    run: Path,
    told: Mapping[str, object],
    tables: Mapping[str, tuple[Path, Sequence[Mapping[str, object]]]],
) -> None:
    """Write the tables of a training, and last what is told of it, with the tables' checksums.

    Args:
        run: path of run.json.
        tables: by name ("history", "curves") the path of the CSV file, and its rows.
    """
    checksums = {name: write_csv(path, rows) for name, (path, rows) in tables.items()}
    write_json(run, {**told, CHECKSUMS: checksums})


def read_epochs(files: Mapping[str, str | Path], name: str) -> str:
    """A table of a training as CSV text; Damaged if it is not what the training wrote.

    Args:
        files: by name the path of the CSV file, and of `run`.
        name: "history" or "curves".
    """
    checksums = read_json(files["run"]).get(CHECKSUMS, {})
    if name not in checksums:
        raise Damaged(files["run"], f"it does not tell the checksum of {files[name]}")
    return read_text(files[name], checksums[name])
