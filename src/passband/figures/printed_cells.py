"""The cells of a paper's printed table, to stand beside ours, and how they contradict others."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = "params"  # the metric of rows that count the parameters of a network
CELL = ["dataset", "model", "method", "fraction", "metric"]
OURS = {"dataset": "paper_dataset_title", "model": "paper_model", "value": "paper_value"}
MEETING = ["paper_dataset_title", "paper_model", "method", "fraction", "metric"]


def printed_cells(
    table: "pd.DataFrame",
    others: "Sequence[pd.DataFrame]",
    size: str,
    weaker: Mapping[str, Mapping[str, str]],
) -> "pd.DataFrame":
    """The numbers of a printed table, with what contradicts them.

    Args:
        table: rows of `passband.printed.read_printed`.
        others: the paper's other tables.
        size: key of `condition` that holds the size that a filter keeps. Cells of images of other
            sides compare by the fraction of the largest size of the data set; 1 without a filter.
        weaker: metric to the metrics that cannot be below it, and what each is called.

    Returns:
        paper_dataset_title, paper_model, method, fraction, metric (together they name a cell),
        paper_value, paper_printed (as the paper has it), paper_parameters (of the network; NaN
        where the table has none), paper_elsewhere (table to what it prints, where it prints
        another number for this cell) and paper_note (contradictions in words, empty without one).
    """
    network = ["dataset", "model"]
    counts = table[table["metric"] == PARAMETERS].set_index(network)["value"]
    rows = _measured(table, size).join(counts.rename("paper_parameters"), on=network)
    elsewhere = _printed_elsewhere(rows, [_measured(other, size) for other in others])
    notes = [
        [f"{name} prints {printed}" for name, printed in cell.items()] + easier
        for cell, easier in zip(elsewhere, _above_weaker(rows, weaker), strict=True)
    ]
    rows = rows.assign(
        paper_printed=rows["printed"],
        paper_elsewhere=elsewhere,
        paper_note=["; ".join(note) for note in notes],
    ).rename(columns=OURS)
    kept = ["paper_value", "paper_printed", "paper_parameters", "paper_elsewhere", "paper_note"]
    return rows[[*MEETING, *kept]].reset_index(drop=True)


def _measured(table: "pd.DataFrame", size: str) -> "pd.DataFrame":
    """The rows of methods, with the fraction of the image side that a filter keeps."""
    found = table["condition"].str.extract(rf"(?:^|;){size}=(\d+)", expand=False).astype(float)
    largest = found.groupby(table["dataset"]).transform("max")
    fraction = (found / largest).fillna(1.0)
    return table.assign(fraction=fraction)[table["method"] != ""]


def _printed_elsewhere(
    rows: "pd.DataFrame", others: "Sequence[pd.DataFrame]"
) -> list[dict[str, str]]:
    """Per row, the tables that print another number for this cell, and what they print."""
    values = rows.set_index(CELL)["value"].to_dict()
    found: dict[tuple, dict[str, str]] = {key: {} for key in values}
    for table in others:
        for cell in table.dropna(subset="value").to_dict("records"):
            key = tuple(cell[name] for name in CELL)
            if values.get(key, cell["value"]) != cell["value"]:
                found[key][cell["table"]] = cell["printed"]
    return [found[tuple(row)] for row in rows[CELL].to_numpy()]


def _above_weaker(rows: "pd.DataFrame", weaker: Mapping[str, Mapping[str, str]]) -> list[list[str]]:
    """Per row, which easier attacks leave a lower accuracy than this one, in words."""
    printed = rows.set_index(CELL)["printed"].to_dict()
    values = rows.set_index(CELL)["value"].to_dict()
    notes: list[list[str]] = []
    for *place, metric in rows[CELL].to_numpy():
        notes.append([])
        for easier, name in weaker.get(metric, {}).items():
            key = (*place, easier)
            if values.get(key, float("inf")) < values[*place, metric]:
                notes[-1].append(f"above {name} ({printed[key]}), which should be easier")
    return notes
