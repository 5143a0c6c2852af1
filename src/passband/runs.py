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
    """Write the tables of a training and then run.json, which holds their checksums.

    Args:
        run: path of run.json.
        told: its content.
        tables: path of the CSV file, and rows, by name ("history", "curves").
    """
    checksums = {name: write_csv(path, rows) for name, (path, rows) in tables.items()}
    write_json(run, {**told, CHECKSUMS: checksums})


def read_epochs(files: Mapping[str, str | Path], name: str) -> str:
    """Read a table of a training.

    Args:
        files: paths by name: of the CSV file, and of `run`.
        name: "history" or "curves".

    Returns:
        CSV text.

    Raises:
        Damaged: it is not what the training wrote.
    """
    checksums = read_json(files["run"]).get(CHECKSUMS, {})
    if name not in checksums:
        raise Damaged(files["run"], f"it does not tell the checksum of {files[name]}")
    return read_text(files[name], checksums[name])
