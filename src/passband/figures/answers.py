"""Right and wrong answers image by image: which cells of a table differ, on common images."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from passband.figures.load import probe_arrays, probe_metadata
from passband.figures.table_notes import NO_ATTACK
from passband.figures.tables import PERCENT
from passband.findings.measured import on_common_images
from passband.intervals.estimates import mean_interval
from passband.quantities import withstood

BySeed = dict[int, np.ndarray]


def beside_and_ranked(
    cells: pd.DataFrame,
    runs: Mapping[tuple, Sequence[dict]],
    keys: Sequence[tuple],
    group: Sequence[str],
    ranks: Sequence[str],
) -> pd.DataFrame:
    """Cells compared on common images.

    Args:
        cells: with the columns that `accuracy_cells.measured_cells` returns, and row.
        runs: entries, a list of seeds by the key of their model.
        keys: the key of the model of each cell.
        group: the columns by which rows are grouped.
        ranks: names of the best places of a column, from the best down; none to rank nothing.

    Returns:
        The cells with these columns. beside: the column of the attack to the left that leaves the
        lowest accuracy on the cell's images, of those that were run on more images; empty without
        one. beside_value: its accuracy there, in percent. rank: one of `ranks` if the paired 95 %
        interval of the difference to the next best excludes zero, for this cell and all above it;
        else empty.
    """
    answers = [
        {
            entry["seed"]: right
            for entry in runs[key]
            if (right := _answers(entry, cell)) is not None
        }
        for key, cell in zip(keys, cells.itertuples(), strict=True)
    ]
    cells = cells.assign(beside="", beside_value=np.nan, rank="")
    places = pd.Series(range(len(cells)), index=cells.index)
    for _, row in places.groupby([cells[name] for name in (*group, "row")], sort=False):
        for place in row:
            name, value = _beside(cells, answers, place, [one for one in row if one < place])
            cells.loc[cells.index[place], ["beside", "beside_value"]] = name, value
    for _, column in places.groupby([cells[name] for name in (*group, "column")], sort=False):
        known = [place for place in column if answers[place]]
        order = sorted(known, key=lambda place: -cells["value"].iloc[place])
        for rank, better, worse in zip(ranks, order, order[1:], strict=False):
            first, second = on_common_images([answers[better], answers[worse]])
            if mean_interval(first - second, span=(-1, 1)).low <= 0:
                break
            cells.loc[cells.index[better], "rank"] = rank
    return cells


def _beside(
    cells: pd.DataFrame, answers: Sequence[BySeed], place: int, left: Sequence[int]
) -> tuple[str, float]:
    """The attack to the left of a cell, and its accuracy, as `beside_and_ranked` describes them."""
    cell, best = cells.iloc[place], ("", np.nan)
    for other in left:
        attacked = NO_ATTACK not in (cell["attack"], cells["attack"].iloc[other])
        more = cells["n_images"].iloc[other] > cell["n_images"]
        if attacked and more and answers[place] and answers[other]:
            there = 100 * float(on_common_images([answers[place], answers[other]])[1].mean())
            if not best[0] or there < best[1]:
                best = cells["column"].iloc[other], there
    return best


def _answers(entry: dict, cell: tuple) -> np.ndarray | None:
    """Which images [N] are right behind a cell; None for what is no accuracy."""
    if cell.unit != PERCENT or not cell.measured:
        return None
    arrays, metadata = probe_arrays(entry, cell.measured), probe_metadata(entry, cell.measured)
    attacks = metadata.get("attacks", [])
    if (smallest := arrays.get(f"minimal_epsilon_{cell.attack}")) is not None:
        return withstood(smallest, cell.epsilon).astype(float)
    if "survived" in arrays:
        names = ["+".join(attacks[: place + 1]) for place in range(len(attacks))]
        found = {
            NO_ATTACK: arrays["correct_clean"],
            **dict(zip(names, arrays["survived"], strict=True)),
        }
    elif "bandwidths" in arrays:
        correct = arrays["correct"] if attacks else arrays["correct"][None]
        behind = arrays["bandwidths"] == cell.bandwidth
        size = behind.argmax() if behind.any() else arrays["bandwidths"].argmax()
        found = dict(zip([NO_ATTACK, *attacks], correct[:, size], strict=True))
    elif attacks:
        found = {
            NO_ATTACK: arrays["correct_clean"],
            **dict(zip(attacks, arrays["correct"], strict=True)),
        }
    elif "correct_clean" in arrays:
        found = {NO_ATTACK: arrays["correct_clean"], cell.measured: arrays["correct"]}
    else:
        return None
    right = found[cell.attack or list(found)[-1]]
    return right.astype(float)
