"""A table of accuracies at several epsilons, read from smallest adversarial perturbations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, TypedDict

import pandas as pd

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.accuracy_tables import robustness_table
from passband.figures.attack_constants import constants
from passband.figures.load import probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.tables import Table, number
from passband.findings.measured import on_common_images
from passband.intervals import LEVEL, simultaneous
from passband.intervals.estimates import Interval, mean_interval
from passband.options import AttackName, CheckRow, Name, PrintedTable
from passband.quantities import withstood
from passband.text import listed

FIXED = "fixed ε"


class Search(TypedDict):
    """A search for the smallest perturbation.

    Args:
        name: its name in the table; followed by an epsilon, a metric of the printed table.
        attack: the search.
        fixed: the same attack at fixed epsilons, one for each column.
    """

    name: str
    attack: AttackName
    fixed: list[AttackName]


class Pair(NamedTuple):
    """What a column shows: a search read at an epsilon, and the attack at this fixed epsilon."""

    search: str
    epsilon: float
    fixed: Mapping[str, object]


@FIGURES.register("search_table")
def search_table(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="minimal_epsilon")],
    searches: list[Search],
    printed: PrintedTable,
    head: str = "Method",
    row_names: dict[str, str] | None = None,
    checks: list[CheckRow] | None = None,
    names: dict[str, str] | None = None,
) -> Table:
    """Accuracy read from the smallest perturbation of each image, beside accuracy under the same
    attack at a fixed epsilon and the paper's numbers.

    Args:
        probe: the probe that ran the searches and the attacks at fixed epsilons.
        searches: the searches to show.
        printed: the printed table, with the metrics `clean` and, for example, `FGSM 0.03`.
        head: heading of the column of row names.
        row_names: names of methods in the table, where they differ.
        checks: gradient-masking checks of every row, each with its name under `check` and its
            arguments.
        names: names of attacks in the notes; by default, those of their columns.
    """
    columns = [{"name": "Clean", "measured": probe, "attack": "none", "printed": "clean"}]
    pairs: dict[str, Pair] = {}
    for search in searches:
        weaker = ["Clean"]
        for fixed in search["fixed"]:
            if "epsilon" not in fixed:
                raise UserError(
                    f"{artifact.id}: attack '{fixed['name']}' has no epsilon at which the search "
                    f"'{search['attack']['name']}' could be read; name another one in `fixed`."
                )
            name, attack = f"{search['name']} {fixed['epsilon']:g}", search["attack"]["name"]
            pairs[name] = Pair(attack, fixed["epsilon"], fixed)
            columns.append(
                {
                    "name": name, "measured": probe, "attack": attack,
                    "epsilon": fixed["epsilon"], "weaker": list(weaker),
                }
            )  # fmt: skip
            weaker.append(name)
    table = robustness_table(
        artifact,
        columns=columns,
        printed=printed,
        head=head,
        row_names=row_names,
        checks=checks,
        names=names,
    )
    cells, apart = beside_fixed(table.cells, artifact.models, probe, pairs)
    return Table(cells, table.layout, [*table.notes, *fixed_notes(apart, pairs)])


def beside_fixed(
    cells: pd.DataFrame, models: Sequence[Mapping], probe: str, pairs: Mapping[str, Pair]
) -> tuple[pd.DataFrame, dict[tuple[str, str], Interval]]:
    """Cells with the accuracy under the attack at a fixed epsilon as `beside_value`.

    Returns:
        The cells, and by the names of row and column the accuracy read from the search minus that
        beside it, in points, with simultaneous intervals.
    """
    cells, apart = cells.copy(), {}
    level = simultaneous(max(1, int(cells["column"].isin(list(pairs)).sum())))
    for place, cell in cells.iterrows():
        if cell["column"] not in pairs:
            continue
        pair = pairs[cell["column"]]
        read, fixed = {}, {}
        for entry in models:
            same = ("dataset_title", "method")
            if all(entry[key] == cell[key] for key in same) and (
                entry["architecture_title"] == cell["network"]
            ):
                arrays, metadata = probe_arrays(entry, probe), probe_metadata(entry, probe)
                row = metadata["attacks"].index(pair.fixed["name"])
                smallest = arrays[f"minimal_epsilon_{pair.search}"]
                read[entry["seed"]] = withstood(smallest, pair.epsilon).astype(float)
                fixed[entry["seed"]] = arrays["correct"][row].astype(float)
        first, second = on_common_images([read, fixed])
        cells.loc[place, ["beside", "beside_value"]] = FIXED, 100 * float(second.mean())
        difference = mean_interval(100 * (first - second), span=(-100, 100), level=level)
        apart[cell["row"], cell["column"]] = difference
    return cells, apart


def fixed_notes(apart: Mapping[tuple[str, str], Interval], pairs: Mapping[str, Pair]) -> list[str]:
    """Notes on the accuracies beside the values, and on whether both agree within noise."""
    texts = [f"{column}: {constants(pair.fixed)}" for column, pair in pairs.items()]
    notes = [f"{FIXED}: the same attack at this epsilon only. {'; '.join(texts)}."]
    effects = [one.effect for one in apart.values()]
    beyond = [
        f"{row} under {column} ({number(one.effect, '.1f', '+')})"
        for (row, column), one in apart.items()
        if not one.low <= 0 <= one.high
    ]
    ends = " to ".join(number(end, ".1f", "+") for end in (min(effects), max(effects)))
    verdict = f"beyond noise for {listed(beyond)}" if beyond else "nowhere beyond noise"
    notes.append(
        f"Accuracy read from a search minus that with {FIXED}, on the same images: {ends} points, "
        f"{verdict} (simultaneous {100 * LEVEL:.0f} % intervals of the {len(apart)} paired "
        "differences). A search also finds smaller perturbations that fool where the attack at "
        "this epsilon does not."
    )
    return notes
