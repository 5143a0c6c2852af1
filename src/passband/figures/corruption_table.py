"""A table of accuracies by corruption, in the order of the frequencies that corruptions change."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
import pandas as pd

from passband.figures import FIGURES
from passband.figures.accuracy_cells import MODEL, beside_printed, titled
from passband.figures.corruption_answers import (
    B_LOW,
    CLEAN,
    CORRUPTION,
    MCE,
    ROUNDED,
    accuracy_cells,
    answers_of,
    error_cells,
    recomputed_errors,
)
from passband.figures.load import in_order, probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.table_headings import dataset_heading
from passband.figures.table_notes import contradiction_notes
from passband.figures.tables import FEW, Layout, Table, few, right_answers
from passband.options import Name, PrintedTable
from passband.text import listed

BIAS = "log B_low"
ROWS = {CLEAN: "Clean", MCE: "mCE"}


@FIGURES.register("corruption_table")
def corruption_table(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="common_corruptions")],
    relative_to: str,
    printed: PrintedTable | None = None,
) -> Table:
    """Accuracy by corruption, the mean over its severities, and the mean corruption error (mCE).

    Rows are in the order of the low-frequency bias of what the corruptions change, as it is
    measured here, with their places in the paper's order.

    Args:
        probe: the probe that measured them.
        relative_to: the method of the model that the mCE is relative to.
        printed: the printed table, with the metrics `clean`, `mCE`, `corruption:fog` and so on, and
            `B_low:fog` and so on in rows without a method.
    """
    groups: dict[tuple, dict[str, list[dict]]] = {}
    for entry in artifact.models:
        place = tuple(entry[key] for key in MODEL[:-1])
        groups.setdefault(place, {}).setdefault(entry["method"], []).append(entry)
    cells = pd.concat(
        [
            _cells(artifact, methods, probe, relative_to).assign(
                **dict(zip(MODEL, place, strict=False))
            )
            for place, methods in groups.items()
        ],
        ignore_index=True,
    )
    cells = titled(cells.assign(fraction=1.0, beside="", beside_value=np.nan))
    cells = _beside_paper(cells, artifact, printed, relative_to)
    layout = Layout(
        group=["dataset_title", "paper_dataset_title", "network", "paper_model"],
        heads=("Data set", "Corruption"),
        heading=dataset_heading,
        row_details=_paper_place,
    )
    reference = artifact.looks([relative_to])[relative_to].name
    notes = _notes(
        cells, reference, [next(iter(one.values()))[0] for one in groups.values()], probe
    )
    unseen = ["paper_elsewhere", "paper_parameters"]
    return Table(cells.drop(columns=unseen, errors="ignore"), layout, notes)


def _cells(
    artifact: Artifact, methods: Mapping[str, Sequence[dict]], probe: str, relative_to: str
) -> pd.DataFrame:
    """The cells of one data set and network, from top to bottom and left to right."""
    first = next(iter(methods.values()))[0]
    told, arrays = probe_metadata(first, probe), probe_arrays(first, probe)
    bias = dict(zip(told["corruptions"], arrays["change_bias"].mean(1).tolist(), strict=True))
    order = sorted(bias, key=lambda name: -bias[name])
    titles = dict(zip(told["corruptions"], told["titles"], strict=True))
    answers = {method: answers_of(same, probe, order) for method, same in methods.items()}
    clean, *corrupted = (CLEAN, *(f"{CORRUPTION}{name}" for name in order))
    of_corruptions = pd.DataFrame(accuracy_cells(answers, [clean, *corrupted]))
    errors = pd.DataFrame(error_cells(answers, relative_to))
    biases = pd.DataFrame(
        {
            "method": "", "metric": [f"{B_LOW}{name}" for name in order],
            "value": [bias[name] for name in order], "n_images": len(arrays["correct_clean"]),
            "unit": "natural logarithm", "format": ".2f", "rank": "",
        }
    )  # fmt: skip
    cells = pd.concat([of_corruptions, errors, biases], ignore_index=True)
    rows = ROWS | {f"{CORRUPTION}{name}": titles[name] for name in order}
    rows |= {f"{B_LOW}{name}": titles[name] for name in order}
    columns = {method: look.name for method, look in artifact.looks(methods).items()}
    seeds = {method: len(same) for method, same in methods.items()} | {"": 1}
    counted = np.where(cells["metric"].isin(corrupted), len(arrays["severities"]), 1)
    cells = cells.assign(
        row=cells["metric"].map(rows),
        column=cells["method"].map(columns | {"": BIAS}),
        seeds=cells["method"].map(seeds),
        n_images=cells["n_images"] * counted,
    )
    cells["right"] = right_answers(cells)
    places = {row: place for place, row in enumerate(in_order([*ROWS.values(), *rows.values()]))}
    return cells.sort_values("row", key=lambda names: names.map(places), kind="stable")


def _beside_paper(
    cells: pd.DataFrame, artifact: Artifact, printed: str | None, relative_to: str
) -> pd.DataFrame:
    """Cells with the paper's numbers, its order of the corruptions, and its contradictions."""
    if printed is None:
        return cells.assign(
            paper_value=np.nan, paper_printed="", difference=np.nan, paper_note="", paper_place=0
        )
    columns = [{"name": name, "printed": name} for name in cells["column"].unique()]
    cells = beside_printed(cells, artifact, printed, columns, "")
    table = artifact.printed_table(printed)
    biases = table[table["metric"].str.startswith(B_LOW)].set_index("metric")
    for source, name in (("value", "paper_value"), ("printed", "paper_printed")):
        cells[name] = cells[name].where(cells["method"] != "", cells["metric"].map(biases[source]))
    cells["difference"] = cells["value"] - cells["paper_value"]
    places = {name.removeprefix(B_LOW): place for place, name in enumerate(biases.index, 1)}
    corruption = cells["metric"].str.partition(":")[2]
    cells["paper_place"] = corruption.map(places).fillna(0).astype(int)
    errors = cells["method"].map(recomputed_errors(table, relative_to))
    wrong = (cells["metric"] == MCE) & ((errors - cells["paper_value"]).abs() > ROUNDED)
    cells.loc[wrong, "paper_note"] = [f"but its accuracies give {one:.2f}" for one in errors[wrong]]
    return cells


def _paper_place(row: pd.DataFrame) -> list[str]:
    place = row["paper_place"].max()
    return [f"paper: no. {place}"] if place else []


def _notes(cells: pd.DataFrame, reference: str, firsts: Sequence[dict], probe: str) -> list[str]:
    severities = probe_arrays(firsts[0], probe)["severities"].tolist()
    images = cells.loc[cells["metric"] == CLEAN, "n_images"].max()
    corruptions = cells["metric"][cells["metric"].str.startswith(CORRUPTION)].nunique()
    several = f" at severity {severities[0]}"
    if len(severities) > 1:
        several = f", mean over the severities {listed(map(str, severities))}"
    notes = [
        f"Accuracy under a corruption: of {images:,} images{several}. Bold: best of "
        "its row, where the 95 % interval of its difference from the next best, taken image by "
        "image, excludes zero."
    ]
    if few(cells).any():
        notes.append(f"Of fewer than {FEW} answers, the right ones are counted.")
    if (cells["metric"] == MCE).any():
        notes.append(
            f"mCE: mean over the {corruptions} corruptions of the error divided by that of "
            f"{reference}, in percent. Its interval takes the errors to first order (the delta "
            "method)."
        )
    else:
        notes.append(f"There is no mCE: {reference} makes no error under one of the corruptions.")
    notes.append(
        f"{BIAS}: low-frequency bias of what the corruption changes, of the mean over images and "
        "channels of |DFT(corrupted − clean)|, mean over the severities; rows are in its order."
    )
    for first in firsts:
        notes += _sources(first, probe)
    if "paper_elsewhere" in cells:
        notes += contradiction_notes(cells)
    return in_order(notes)


def _sources(entry: dict, probe: str) -> list[str]:
    """Where the corrupted images of a data set come from."""
    kinds: dict[str, list[str]] = {}
    told = probe_metadata(entry, probe)
    for name, title in zip(told["corruptions"], told["titles"], strict=True):
        kinds.setdefault(told["sources"][name], []).append(title)
    (first, *others) = sorted(kinds, key=lambda kind: -len(kinds[kind]))
    text = "; ".join([first, *(f"{listed(kinds[other])}: {other}" for other in others)])
    return [f"Corrupted images of {entry['dataset_title']}: {text}."]
