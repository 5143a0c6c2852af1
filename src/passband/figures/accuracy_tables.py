"""Tables of accuracies, beside those that a paper printed."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, NotRequired, TypedDict

import numpy as np
import pandas as pd

from passband.figures import FIGURES
from passband.figures.accuracy_cells import (
    MODEL,
    beside_printed,
    measured_cells,
    titled,
    with_fraction,
)
from passband.figures.answers import beside_and_ranked
from passband.figures.attack_constants import with_constants
from passband.figures.load import in_order, read_measurements, read_run
from passband.figures.notebook import Artifact
from passband.figures.table_headings import (
    dataset_heading,
    network_details,
    network_heading,
    only_dataset,
    printed_heading,
    trained_heading,
    training,
)
from passband.figures.table_notes import (
    NO_ATTACK,
    attack_notes,
    contradiction_notes,
    mark_notes,
    masking_notes,
    training_notes,
)
from passband.figures.tables import BEST, PERCENT, RUNNER_UP, Layout, Table, right_answers
from passband.findings import masking
from passband.findings.flags import answers_of
from passband.intervals.accuracies import over_seeds
from passband.labels import attack_note, both
from passband.options import CheckRow, Measurement, Name, PrintedTable


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
    setting: Literal["batch_size", "epochs"] | None = None,
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
        setting: what rows are named after, in the place of their methods; a row whose model was
            trained with another value than the paper's shows both.
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
        trained = _by_model(artifact.models, lambda runs: both(runs[0]["trained_with"][setting]))
        cells["row"] = [trained[key] for key in _keys(cells)]
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
    probes = [column["measured"] for column in columns]
    signs = _by_model(
        artifact.models,
        lambda runs: "; ".join(
            masking.checks([answers_of(run, probes) for run in runs], checks or [], shown)
        ),
    )
    # Behind a filter that no attack saw, the order of the attacks means nothing.
    cells["masking"] = np.where(cells["fraction"] == 1, [signs[key] for key in _keys(cells)], "")
    layout = Layout(
        group=["dataset_title", "paper_dataset_title"]
        + ([] if rows == "network" else ["network", "paper_model"]),
        heads=("Network" if group == "network" else "Data set", head),
        heading={"network": network_heading}.get(
            group,
            {"network": only_dataset, "filter": trained_heading}.get(rows, dataset_heading),
        ),
        row_details={"network": network_details, "filter": lambda row: ()}.get(rows, training),
        counts=True,
    )
    ranks = [] if filters else [BEST, RUNNER_UP][: 1 + runner_up]
    cells = _compared(cells, artifact.models, layout, ranks)
    notes = mark_notes(cells, ranks)
    notes += attack_notes(artifact, columns)
    notes += training_notes(_rows_by_training(cells, artifact.models))
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
        with_fraction(read_measurements(models, filtered)), [*MODEL, "bandwidth", "fraction"]
    )
    behind = behind.assign(
        column=[f"k = {k:.0f}" for k in behind["bandwidth"]], measured=filtered,
        attack=NO_ATTACK, metric=metric, unit=PERCENT, format=".1f",
    )  # fmt: skip
    cells = pd.concat([titled(behind), measured_cells(models, columns)], ignore_index=True)
    cells = beside_printed(cells, artifact, printed, columns, size)
    cells["row"] = [(row_names or {}).get(method, method) for method in cells["method"]]
    layout = Layout(
        group=["dataset_title"],
        heads=("Data set", head),
        heading=printed_heading,
        row_details=training,
    )
    cells = _compared(cells, models, layout, [BEST])
    notes = mark_notes(cells, [BEST]) + attack_notes(artifact, columns)
    notes += training_notes(_rows_by_training(cells, models))
    return Table(_ordered(cells), layout, notes)


def _compared(
    cells: pd.DataFrame, models: Sequence[dict], layout: Layout, ranks: Sequence[str]
) -> pd.DataFrame:
    """Cells with what `beside_and_ranked` adds, counts of right answers, and training attacks."""
    keys = _keys(cells)
    attacks = _by_model(models, lambda runs: attack_note(runs[0]["trained_with"]))
    cells = cells.assign(
        right=right_answers(cells),
        training_attack=[attacks[key] for key in keys],
    )
    return beside_and_ranked(cells, _by_model(models, list), keys, layout.group, ranks)


def _rows_by_training(cells: pd.DataFrame, models: Sequence[dict]) -> dict[tuple, list[str]]:
    """What models are trained with in the place of the paper's, and the rows of such models."""
    rows: dict[tuple, list[str]] = {}
    changes = _by_model(models, lambda runs: tuple(runs[0]["substitutions"]))
    for key, row in zip(_keys(cells), cells["row"], strict=True):
        rows.setdefault(changes[key], []).append(row)
    return {changed: in_order(names) for changed, names in rows.items()}


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


def _ordered(cells: pd.DataFrame) -> pd.DataFrame:
    wanted = [
        *("dataset_title", "paper_dataset_title", "network", "paper_model"),
        *("parameters", "paper_parameters", "method", "row", "bandwidth", "fraction"),
        *("training_attack", "column", "metric", "value", "ci_low", "ci_high"),
        *("right", "n_images", "seeds", "unit", "format", "rank", "beside", "beside_value"),
        *("paper_value", "paper_printed", "difference", "paper_note", "masking"),
    ]
    return cells[[name for name in wanted if name in cells]]
