"""Accuracy under six attacks by filter, batch size, augmentation, network or quantisation."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from passband.errors import UserError
from passband.figures.intervals import over_seeds
from passband.figures.load import (
    in_order,
    probe_arrays,
    probe_metadata,
    read_measurements,
    read_run,
)
from passband.figures.reference import architecture_title
from passband.figures.robustness import dataset_heading, sentences
from passband.figures.sentinels import out_of_order
from passband.figures.tables import DAGGER, FLAG, Heading, Layout

PROBE = "filtered-attacks"

# Column of the table -> the paper's metric, the attack of our rows.
COLUMNS = {
    "Natural": ("clean", "none"),
    **{name: (name, name.lower()) for name in ("GN", "FGSM", "PGD-20", "BIM-20")},
    **{name: (name, name.lower()) for name in ("TPGD-20", "CW-20")},
}
# First key of the paper's condition -> what the rows of the table differ in.
HEADS = {
    "lpf": "Low-pass filter",
    "batch_size": "Batch size",
    "da": "Augmentation",
    "bits": "Quantisation",
    "": "Network",
}
NETWORK = ["dataset_title", "paper_dataset_title", "architecture", "paper_architecture"]
CELL = ["paper_dataset_title", "paper_model", "method", "fraction", "metric"]


def attack_cells(models: Sequence[dict], reference: pd.DataFrame) -> pd.DataFrame:
    """The cells of a table of accuracies under attacks, beside the paper's.

    models: entries with the probe filtered-attacks and, where networks are compared, training.run.
    reference: `reference.read_attack_reference`, whose conditions say what the rows differ in;
        cells meet by the paper's data set and network, the method, the share of the side that a
        filter keeps (rounded to eighths) and the metric.

    Returns one row per cell: dataset_title, paper_dataset_title, network, paper_model, parameters
    (NaN unless networks are compared), method, row (its name in the table), bandwidth, fraction,
    column (of COLUMNS), metric, value, ci_low, ci_high, n_images, seeds, paper_value, difference
    (value - paper_value), paper_note (what the paper's other tables print) and sentinels (what
    speaks for false robustness of the row's network). Accuracies in percent. Raises UserError
    where an attack was not measured.
    """
    kind = kind_of(reference)
    measured = read_measurements(models, PROBE).query("metric == 'accuracy'")
    side = measured.groupby("dataset_title")["bandwidth"].transform("max")
    measured = measured.assign(fraction=(8 * measured["bandwidth"] / side).round() / 8)
    if kind != "lpf":
        measured = measured[measured["fraction"] == 1]
    measured = measured.sort_values("fraction", ascending=False, kind="stable")
    summaries = []
    for place, (column, (metric, attack)) in enumerate(COLUMNS.items()):
        rows = measured[measured["attack"] == attack]
        if rows.empty:
            raise UserError(f"probe '{PROBE}' did not measure attack '{attack}': add it there.")
        summary = over_seeds(rows, [*NETWORK, "method", "bandwidth", "fraction"])
        summaries.append(summary.assign(column=column, metric=metric, place=place))
    cells = pd.concat(summaries).rename_axis("line").sort_values(["line", "place"])
    cells["network"] = cells["architecture"].map(architecture_title)
    cells["paper_model"] = cells["paper_architecture"].map(architecture_title)
    printed = reference[[*CELL, "paper_value", "paper_note"]]
    cells = cells.merge(printed, how="left", on=CELL, validate="many_to_one")
    cells["paper_note"] = cells["paper_note"].fillna("")
    cells["difference"] = cells["value"] - cells["paper_value"]
    names = [tuple(row) for row in cells[[*NETWORK, "method"]].to_numpy()]
    runs: dict[tuple, list[dict]] = {name: [] for name in names}
    for entry in models:
        runs[tuple(entry[key] for key in (*NETWORK, "method"))].append(entry)
    cells["row"] = _row_names(cells, reference, kind)
    if kind == "batch_size":
        sizes = {name: read_run(same[0])["recipe"]["batch_size"] for name, same in runs.items()}
        pairs = zip(cells["row"], (sizes[name] for name in names), strict=True)
        cells["row"] = [paper if paper == str(n) else f"{n} (paper: {paper})" for paper, n in pairs]
    signs = {
        name: "; ".join(out_of_order([unfiltered(run) for run in same]))
        for name, same in runs.items()
    }
    whole = cells["fraction"] == 1  # behind a filter that no attack saw the order means nothing
    cells["sentinels"] = np.where(whole, [signs[name] for name in names], "")
    cells["parameters"] = pd.array([None] * len(cells), dtype="Int64")
    if kind == "":
        sizes = {name: read_run(same[0])["parameters"] for name, same in runs.items()}
        cells["parameters"] = pd.array([sizes[name] for name in names], dtype="Int64")
    order = [
        *("dataset_title", "paper_dataset_title", "network", "paper_model", "parameters"),
        *("method", "row", "bandwidth", "fraction", "column", "metric"),
        *("value", "ci_low", "ci_high", "n_images", "seeds"),
        *("paper_value", "difference", "paper_note", "sentinels"),
    ]
    return cells[order]


def kind_of(reference: pd.DataFrame) -> str:
    """What the rows of the paper's table differ in: a key of HEADS."""
    return reference["condition"].iloc[0].partition("=")[0]


def unfiltered(entry: dict) -> dict[str, np.ndarray]:
    """Attack, or none -> which images [N] of a model and seed are right under it, unfiltered."""
    arrays = probe_arrays(entry, PROBE)
    correct = arrays["correct"][:, arrays["bandwidths"].argmax()]
    return dict(zip(["none", *probe_metadata(entry, PROBE)["attacks"]], correct, strict=True))


def attack_layout(cells: pd.DataFrame, reference: pd.DataFrame) -> Layout:
    """Rows grouped by network, or, where networks are compared, by data set.

    The best of a column is marked, but not among the filters of one model.
    """
    kind = kind_of(reference)
    heads = "Data set", HEADS[kind]
    group = ["dataset_title", "paper_dataset_title"]
    if kind == "":
        heading, details = _only_dataset, _network_details
    else:
        heading, details = dataset_heading, lambda row: ()
        group = [*group, "network", "paper_model"]
    return Layout(
        group=group,
        heads=heads,
        tex_heads=heads,
        heading=heading,
        row="row",
        row_details=details,
        ranked=kind != "lpf",
        counts=True,
    )


def attack_notes(cells: pd.DataFrame, reference: pd.DataFrame) -> list[str]:
    """The sentences below the table: its marks, the sentinels, the paper's other numbers."""
    if kind_of(reference) == "lpf":
        notes = [
            "The attacks do not see the filter. k is the side of the square of frequencies that it "
            "keeps; rows meet the paper's by the share of the image side."
        ]
    else:
        notes = ["Bold: best of its column."]
    if cells["seeds"].max() > 1:
        notes[0] += f" Values are means over {cells['seeds'].max()} training runs."
    flagged = cells[cells["sentinels"] != ""].drop_duplicates(["dataset_title", "network", "row"])
    for row in flagged.itertuples():
        notes.append(f"{FLAG} {row.row}: robustness may be false. {sentences(row.sentinels)}")
    if flagged.empty:
        notes.append(
            "Sentinels against false robustness: all pass. Beyond noise (McNemar's exact test) no "
            "attack leaves more images right than no attack does, and neither PGD-20 nor BIM-20 "
            "more than FGSM."
        )
    known = reference[[*CELL, "paper_elsewhere"]]
    printed = cells[cells["paper_note"] != ""].merge(known, on=CELL)
    for name, row in printed.groupby("row", sort=False):
        notes.append(
            f"{DAGGER} {name}: the paper's other tables print other numbers for this network, in "
            f"the order of the columns: {_elsewhere(row)}."
        )
    return notes


def _row_names(cells: pd.DataFrame, reference: pd.DataFrame, kind: str) -> list[str]:
    if kind == "lpf":
        pairs = zip(cells["bandwidth"], cells["fraction"], strict=True)
        return [f"k = {k:.0f}" + " (no filter)" * (share == 1) for k, share in pairs]
    if kind == "":
        return cells["network"].tolist()
    names = dict(zip(reference["method"], reference["row_name"], strict=True))
    return [names.get(method, method) for method in cells["method"]]


def _only_dataset(group: pd.DataFrame) -> Heading:
    heading = dataset_heading(group)
    return Heading(heading.title, paper=heading.paper[:1])


def _network_details(row: pd.DataFrame) -> list[str]:
    first = row.iloc[0]
    other = first["paper_model"] != first["network"]
    return [f"{first['parameters']:,} parameters"] + [f"paper: {first['paper_model']}"] * other


def _elsewhere(row: pd.DataFrame) -> str:
    """The numbers that other tables print for the cells of a row; tables that agree together."""
    tables: dict[str, list[str]] = {}
    for table in in_order([name for cell in row["paper_elsewhere"] for name in cell]):
        pairs = zip(row["paper_elsewhere"], row["paper_value"], strict=True)
        numbers = ", ".join(cell.get(table, f"{value:.2f}") for cell, value in pairs)
        tables.setdefault(numbers, []).append(table.removeprefix("Table "))
    return "; ".join(f"{numbers} in {_named(same)}" for numbers, same in tables.items())


def _named(tables: list[str]) -> str:
    *most, last = tables
    return f"Tables {', '.join(most)} and {last}" if most else f"Table {last}"
