"""What a job measured: a tidy CSV file, and arrays beside it that tell whether it is whole."""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from passband.errors import Damaged
from passband.files import read_metadata, read_text, reading, write_arrays, write_csv

if TYPE_CHECKING:
    import pandas as pd

LABELS = ("dataset", "architecture", "method", "model", "seed", "probe")
MEASURED = ("condition", "metric", "value", "n_images", "unit")
CHECKSUM = "csv_sha256"


def write_measurement(
    csv: Path,
    arrays_file: Path,
    rows: Sequence[Mapping[str, object]],
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, object],
) -> None:
    """Write what a job measured.

    Args:
        csv: path of the rows.
        arrays_file: path of the arrays.
        rows: with the keys `LABELS` and `MEASURED`.
        arrays: named arrays.
        metadata: of the arrays; the checksum of the rows is added.
    """
    checksum = write_csv(csv, rows)
    write_arrays(arrays_file, arrays, {**metadata, CHECKSUM: checksum})


def read_rows(csv: str | Path, arrays_file: str | Path) -> "pd.DataFrame":
    """Read the rows of a job.

    Args:
        csv: path of the rows.
        arrays_file: path of the arrays that the same job wrote.

    Raises:
        Damaged: they are not the rows that the job wrote.
    """
    import pandas as pd

    checksum = read_metadata(arrays_file).get(CHECKSUM)
    if checksum is None:
        raise Damaged(arrays_file, f"it does not tell the checksum of {csv}")
    with reading(csv):
        return pd.read_csv(io.StringIO(read_text(csv, checksum)), keep_default_na=False)


def collected(jobs: Iterable[tuple[str | Path, str | Path]]) -> str:
    """The rows of all jobs as one CSV text.

    Args:
        jobs: paths of each job's CSV file and arrays.
    """
    import pandas as pd

    tables = [read_rows(csv, arrays_file) for csv, arrays_file in jobs]
    nothing = pd.DataFrame(columns=[*LABELS, *MEASURED])
    return pd.concat(tables or [nothing]).to_csv(index=False)


def check_collected(path: str | Path, jobs: Iterable[tuple[str | Path, str | Path]]) -> None:
    """Raise Damaged unless a file holds the rows of all jobs as `collected` joins them."""
    if read_text(path) != collected(jobs):
        raise Damaged(path, "it does not hold what was measured, row by row")
