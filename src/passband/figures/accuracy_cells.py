"""The cells of tables of accuracies: what was measured, beside what a paper printed."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from passband.errors import UserError
from passband.figures.load import TITLES, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.printed_cells import MEETING, printed_cells
from passband.figures.tables import PERCENT
from passband.intervals.accuracies import over_seeds

MODEL = [*TITLES, "method"]
ACCURACY = "accuracy"
Column = Mapping  # as `accuracy_tables.Column`, with `epsilon` for a search


def measured_cells(
    models: Sequence[dict], columns: Sequence[Column], every_filter: bool = False
) -> pd.DataFrame:
    """One row per model and column: what was measured, its mean over seeds and its interval.

    Args:
        models: entries of models.
        columns: of the table.
        every_filter: whether models are measured behind each filter, or only without one.

    Returns:
        dataset_title, paper_dataset_title, network, paper_model, method, bandwidth (NaN where
        nothing is filtered), fraction (of the image side that is kept, in eighths), column,
        measured (the probe or attack; empty for another metric than accuracy), attack (empty for
        all attacks of the probe), epsilon (at which accuracy under a search is read; NaN for other
        attacks), metric (as the paper prints it), value, ci_low, ci_high,
        n_images, seeds, unit and format.

    Raises:
        UserError: an attack was not measured.
    """
    summaries = []
    for place, column in enumerate(columns):
        unit = column.get("unit", PERCENT)
        rows = _rows_of(models, column)
        if not every_filter:
            rows = rows[rows["fraction"] == 1]
        rows = rows.sort_values("fraction", ascending=False, kind="stable")
        by = [*MODEL, "bandwidth", "fraction"]
        summary = over_seeds(rows, by) if unit == PERCENT else _means(rows, by)
        summaries.append(
            summary.assign(
                column=column["name"],
                measured=column["measured"] if _metric(column) == ACCURACY else "",
                attack=column.get("attack", ""),
                epsilon=column.get("epsilon", np.nan),
                metric=column.get("printed", column["name"]),
                unit=unit,
                format=column.get("format", ".1f"),
                place=place,
            )
        )
    cells = pd.concat(summaries).rename_axis("line").sort_values(["line", "place"])
    return titled(cells.drop(columns="place").reset_index(drop=True))


def beside_printed(
    cells: pd.DataFrame,
    artifact: Artifact,
    printed: str,
    columns: Sequence[Column],
    size: str,
) -> pd.DataFrame:
    """Cells with the paper's numbers: the columns of `printed_cells`, and difference."""
    metric = {column["name"]: column.get("printed", column["name"]) for column in columns}
    weaker = {
        metric[column["name"]]: {metric[name]: name for name in column.get("weaker", [])}
        for column in columns
    }
    paper = printed_cells(
        artifact.printed_table(printed), artifact.other_printed_tables(printed), size, weaker
    )
    cells = cells.merge(paper, how="left", on=MEETING, validate="many_to_one")
    cells["paper_note"] = cells["paper_note"].fillna("")
    cells["paper_parameters"] = cells["paper_parameters"].astype("Int64")
    cells["difference"] = cells["value"] - cells["paper_value"]
    return cells


def _metric(column: Column) -> str:
    return column.get("metric", ACCURACY)


def _rows_of(models: Sequence[dict], column: Column) -> pd.DataFrame:
    """The measurements behind a column, with the fraction of the side that a filter keeps."""
    rows = read_measurements(models, column["measured"], _metric(column))
    if "attack" not in column:
        rows = rows.groupby([*MODEL, "model", "seed"], sort=False).tail(1)
    elif "attack" in rows:
        rows = rows[rows["attack"] == column["attack"]]
    if "epsilon" in column:
        rows = rows[rows["epsilon"] == f"{column['epsilon']:.6g}"]
    if rows.empty:
        at = f" at epsilon {column['epsilon']:.6g}" if "epsilon" in column else ""
        raise UserError(
            f"'{column['measured']}' did not measure attack '{column.get('attack')}'{at}, which "
            f"the column '{column['name']}' shows: add it there."
        )
    return with_fraction(rows)


def with_fraction(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with `fraction`: of the image side that a filter keeps, in eighths; 1 without one."""
    if "bandwidth" not in rows:
        return rows.assign(bandwidth=np.nan, fraction=1.0)
    side = rows.groupby("dataset_title")["bandwidth"].transform("max")
    return rows.assign(fraction=((8 * rows["bandwidth"] / side).round() / 8).fillna(1.0))


def _means(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Means over seeds of what is no percentage, in the columns of `over_seeds`."""
    groups = rows.groupby(list(by), sort=False, dropna=False)
    means = groups.agg(
        value=("value", "mean"), n_images=("n_images", "min"), seeds=("value", "size")
    )
    return means.reset_index().assign(ci_low=np.nan, ci_high=np.nan)


def titled(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells with the titles of networks under the names that tables use."""
    return cells.rename(
        columns={"architecture_title": "network", "paper_architecture_title": "paper_model"}
    )
