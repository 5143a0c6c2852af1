"""Tables of accuracies, beside those that a paper printed."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NotRequired, TypedDict

import numpy as np
import pandas as pd

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.attack_constants import with_constants
from passband.figures.load import (
    TITLES,
    in_order,
    probe_arrays,
    probe_metadata,
    read_measurements,
    read_run,
)
from passband.figures.notebook import Artifact
from passband.figures.printed_cells import MEETING, printed_cells
from passband.figures.table_notes import (
    NO_ATTACK,
    attack_notes,
    contradiction_notes,
    mark_notes,
    masking_notes,
)
from passband.figures.tables import PERCENT, Heading, Layout, Table
from passband.findings import masking
from passband.intervals.accuracies import over_seeds
from passband.options import CheckRow, Measurement, Name, PrintedTable

MODEL = [*TITLES, "method"]


class Column(TypedDict):
    """A column of a table.

    Args:
        name: its heading.
        measured: the probe or attack that measures it.
        attack: the attack whose accuracy is shown, or `none` for clean images; all attacks
            together if left out.
        metric: the metric of the measurement; `accuracy` if left out.
        printed: the metric of the printed table; the column's name if left out.
        weaker: columns of weaker attacks, whose accuracy cannot be lower than this one's.
        unit: the unit; `percent` if left out.
        format: the number format; `.1f` if left out.
    """

    name: str
    measured: Measurement
    attack: NotRequired[str]
    metric: NotRequired[str]
    printed: NotRequired[str]
    weaker: NotRequired[list[str]]
    unit: NotRequired[str]
    format: NotRequired[str]


@FIGURES.register("robustness_table")
def robustness_table(
    artifact: Artifact,
    *,
    columns: list[Column],
    printed: PrintedTable,
    rows: Literal["method", "filter", "network"] = "method",
    head: str = "Method",
    row_names: dict[str, str] | None = None,
    setting: str | None = None,
    group: Literal["dataset", "network"] = "dataset",
    runner_up: bool = False,
    checks: list[CheckRow] | None = None,
    names: dict[str, str] | None = None,
    size: str = "lpf",
) -> Table:
    """Accuracy of models under attacks, beside the paper's numbers.

    Args:
        columns: the columns, from left to right.
        printed: the printed table, matched by data set, network, method, filter and metric.
        rows: what distinguishes the rows.
        head: heading of the column of row names.
        row_names: names of methods in the table, where they differ.
        setting: the key of the recipes that rows are named after; a row whose model was trained
            with another value shows both.
        group: what rows are grouped by; grouping by network also shows the number of parameters.
        runner_up: whether the second best value of a column is marked, too.
        checks: gradient-masking checks of every row, each with its name under `check` and its
            arguments.
        names: names of attacks and probes in the notes; by default, those of their columns.
        size: the key in printed conditions that holds the size of a filter.
    """
    filters = rows == "filter"
    cells = measured_cells(artifact.models, columns, every_filter=filters)
    cells = beside_printed(cells, artifact, printed, columns, size)
    if filters:
        cells["row"] = [
            f"k = {k:.0f}" + " (no filter)" * (share == 1)
            for k, share in zip(cells["bandwidth"], cells["fraction"], strict=True)
        ]
    elif rows == "network":
        cells["row"] = cells["network"]
    else:
        cells["row"] = [(row_names or {}).get(method, method) for method in cells["method"]]
    if setting:
        trained = _by_model(artifact.models, lambda runs: runs[0]["recipe"][setting])
        pairs = zip(cells["row"], _keys(cells), strict=True)
        cells["row"] = [
            row if row == str(trained[key]) else f"{trained[key]} (paper: {row})"
            for row, key in pairs
        ]
    counted = rows == "network" or group == "network"
    cells["parameters"] = pd.array([None] * len(cells), dtype="Int64")
    if counted:
        count = _by_model(artifact.models, lambda runs: read_run(runs[0])["parameters"])
        cells["parameters"] = pd.array([count[key] for key in _keys(cells)], dtype="Int64")
    shown = {column["attack"]: column["name"] for column in columns if "attack" in column}
    shown |= {one["measured"]: one["name"] for one in columns if "attack" not in one}
    shown |= {
        name: with_constants(text, artifact.attacks.get(name, {}))
        for name, text in (names or {}).items()
    }
    signs = _by_model(
        artifact.models,
        lambda runs: "; ".join(
            masking.checks([_answers(run, columns) for run in runs], checks or [], shown)
        ),
    )
    # Behind a filter that no attack saw, the order of the attacks means nothing.
    cells["masking"] = np.where(cells["fraction"] == 1, [signs[key] for key in _keys(cells)], "")
    layout = Layout(
        group=["dataset_title", "paper_dataset_title"]
        + ([] if rows == "network" else ["network", "paper_model"]),
        heads=("Network" if group == "network" else "Data set", head),
        heading={"network": _network_heading}.get(
            group, _dataset_heading if rows != "network" else _only_dataset
        ),
        row_details=_network_details if rows == "network" else lambda row: (),
        ranked=not filters,
        runner_up=runner_up,
        counts=True,
    )
    notes = mark_notes(cells, layout)
    notes += attack_notes(artifact, columns)
    if checks:
        notes += masking_notes(cells, masking.describe_passed(checks, shown))
    notes += contradiction_notes(cells)
    return Table(_ordered(cells), layout, notes)


@FIGURES.register("lowpass_table")
def lowpass_table(
    artifact: Artifact,
    *,
    filtered: Annotated[str, Name("probe", of="filtered_accuracy")],
    columns: list[Column],
    printed: PrintedTable,
    head: str = "Model",
    row_names: dict[str, str] | None = None,
    metric: str = "clean",
    size: str = "lpf",
) -> Table:
    """Accuracy of models on low-pass filtered images by bandwidth, beside the paper's numbers.

    Args:
        filtered: the probe of the filters' columns.
        columns: further columns, to the right.
        printed: the printed table, matched by data set, network, method, filter and metric.
        head: heading of the column of row names.
        row_names: names of methods in the table, where they differ.
        metric: the printed metric of the filters' columns.
        size: the key in printed conditions that holds the size of a filter.
    """
    models = artifact.models
    behind = over_seeds(
        _with_fraction(read_measurements(models, filtered)), [*MODEL, "bandwidth", "fraction"]
    )
    behind = behind.assign(
        column=[f"k = {k:.0f}" for k in behind["bandwidth"]], metric=metric, unit=PERCENT,
        format=".1f",
    )  # fmt: skip
    cells = pd.concat([_titled(behind), measured_cells(models, columns)], ignore_index=True)
    cells = beside_printed(cells, artifact, printed, columns, size)
    cells["row"] = [(row_names or {}).get(method, method) for method in cells["method"]]
    layout = Layout(group=["dataset_title"], heads=("Data set", head), heading=_printed_heading)
    return Table(_ordered(cells), layout, attack_notes(artifact, columns))


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
        nothing is filtered), fraction (of the image side that is kept, in eighths), column, metric
        (as the paper prints it), value, ci_low, ci_high, n_images, seeds, unit and format.

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
                metric=column.get("printed", column["name"]),
                unit=unit,
                format=column.get("format", ".1f"),
                place=place,
            )
        )
    cells = pd.concat(summaries).rename_axis("line").sort_values(["line", "place"])
    return _titled(cells.drop(columns="place").reset_index(drop=True))


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


def _rows_of(models: Sequence[dict], column: Column) -> pd.DataFrame:
    """The measurements behind a column, with the fraction of the side that a filter keeps."""
    rows = read_measurements(models, column["measured"], column.get("metric", "accuracy"))
    if "attack" not in column:
        rows = rows.groupby([*MODEL, "model", "seed"], sort=False).tail(1)
    elif "attack" in rows:
        rows = rows[rows["attack"] == column["attack"]]
    if rows.empty:
        raise UserError(
            f"'{column['measured']}' did not measure attack '{column.get('attack')}', which the "
            f"column '{column['name']}' shows: add it there."
        )
    return _with_fraction(rows)


def _with_fraction(rows: pd.DataFrame) -> pd.DataFrame:
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


def _titled(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.rename(
        columns={"architecture_title": "network", "paper_architecture_title": "paper_model"}
    )


def _keys(cells: pd.DataFrame) -> list[tuple]:
    """What names the model of each cell, in the order of MODEL."""
    names = ["dataset_title", "paper_dataset_title", "network", "paper_model", "method"]
    return [tuple(row) for row in cells[names].to_numpy()]


def _by_model(models: Sequence[dict], of: Callable[[list[dict]], object]) -> dict[tuple, object]:
    """What a function finds of the runs (seeds) of each model."""
    runs: dict[tuple, list[dict]] = {}
    for entry in models:
        runs.setdefault(tuple(entry[key] for key in MODEL), []).append(entry)
    return {key: of(same) for key, same in runs.items()}


def _answers(entry: dict, columns: Sequence[Column]) -> dict[str, np.ndarray]:
    """The answers of one model and seed, image by image, as the gradient-masking checks read them.

    Attack, or none, to right under it [N]; `<probe>:<attack>` to standing after this attack and
    all before it, for probes of the worst case; zero_gradient [N]. Unfiltered images only.
    """
    found: dict[str, np.ndarray] = {}
    for probe in in_order([column["measured"] for column in columns]):
        arrays, metadata = probe_arrays(entry, probe), probe_metadata(entry, probe)
        if "survived" in arrays:
            names = [NO_ATTACK, *metadata["attacks"]]
            bits = [arrays["correct_clean"], *arrays["survived"]]
            found |= {f"{probe}:{name}": one for name, one in zip(names, bits, strict=True)}
        elif "bandwidths" in arrays:
            correct = arrays["correct"][:, arrays["bandwidths"].argmax()]
            found |= dict(zip([NO_ATTACK, *metadata["attacks"]], correct, strict=True))
        elif arrays["correct"].ndim == 1:
            found[probe] = arrays["correct"] & arrays["correct_clean"]
            found.setdefault(NO_ATTACK, arrays["correct_clean"])
        else:
            found |= dict(zip(metadata["attacks"], arrays["correct"], strict=True))
            found.setdefault(NO_ATTACK, arrays["correct_clean"])
        if "zero_gradient" in arrays:
            found["zero_gradient"] = arrays["zero_gradient"]
    return found


def _ordered(cells: pd.DataFrame) -> pd.DataFrame:
    wanted = [
        *("dataset_title", "paper_dataset_title", "network", "paper_model"),
        *("parameters", "paper_parameters", "method", "row", "bandwidth", "fraction"),
        *("column", "metric", "value", "ci_low", "ci_high", "n_images", "seeds", "unit", "format"),
        *("paper_value", "paper_printed", "difference", "paper_note", "masking"),
    ]
    return cells[[name for name in wanted if name in cells]]


def _dataset_heading(group: pd.DataFrame) -> Heading:
    """The data set and our network, and those of the paper whose numbers stand beside ours."""
    row = group.iloc[0]
    paper = [row["paper_dataset_title"], row["paper_model"]] if _has_printed(group) else []
    return Heading(row["dataset_title"], [row["network"]], paper)


def _only_dataset(group: pd.DataFrame) -> Heading:
    heading = _dataset_heading(group)
    return Heading(heading.title, paper=heading.paper[:1])


def _printed_heading(group: pd.DataFrame) -> Heading:
    return _dataset_heading(group)._replace(details=())


def _network_heading(group: pd.DataFrame) -> Heading:
    row = group.iloc[0]
    details = [_counted(row["parameters"]), row["dataset_title"]]
    paper = []
    if _has_printed(group):
        count = row["paper_parameters"]
        counted = [] if pd.isna(count) else [_counted(count)]
        paper = [row["paper_model"], *counted, row["paper_dataset_title"]]
    return Heading(row["network"], details, paper)


def _network_details(row: pd.DataFrame) -> list[str]:
    first = row.iloc[0]
    other = first["paper_model"] != first["network"]
    return [_counted(first["parameters"])] + [f"paper: {first['paper_model']}"] * other


def _counted(parameters: int) -> str:
    return f"{parameters:,} parameters"


def _has_printed(group: pd.DataFrame) -> bool:
    return bool(group["paper_value"].notna().any())
