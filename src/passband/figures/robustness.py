"""Accuracy of defences under attacks of growing strength, beside the paper's numbers."""

from collections.abc import Sequence

import pandas as pd

from passband.figures.intervals import over_seeds
from passband.figures.load import probe_arrays, probe_metadata, read_measurements, read_run
from passband.figures.reference import architecture_title
from passband.figures.sentinels import LEFT, MISSED, PerImage, broken_sentinels
from passband.figures.tables import DAGGER, FLAG, Heading, Layout

# Column of the table -> the papers' metric, our probe, the attack of its rows.
COLUMNS = {
    "Clean": ("clean", "pgd-20", "none"),
    "PGD-20": ("PGD-20", "pgd-20", "pgd-20"),
    "PGD-50": ("PGD-50", "stronger-attacks", "pgd-50"),
    "C&W": ("C&W", "stronger-attacks", "cw-30"),
    "AA": ("AA", "autoattack", None),  # the last row: all of its attacks
}
NETWORK = ["dataset_title", "paper_dataset_title", "architecture", "paper_architecture"]


def robustness_cells(models: Sequence[dict], reference: pd.DataFrame) -> pd.DataFrame:
    """The cells of a table of accuracies under attacks, beside the paper's.

    models: entries with the probes pgd-20, stronger-attacks and autoattack, and, where the paper
        counts the networks' parameters, training.run.
    reference: `reference.read_robustness_reference`; cells meet by the paper's data set and
        network, the method and the metric.

    Returns one row per cell: dataset_title, paper_dataset_title, network, paper_model, parameters
    and paper_parameters (NaN where the paper does not count them), method, column (of COLUMNS),
    value, ci_low, ci_high, n_images, seeds, paper_value, difference (value - paper_value),
    paper_note (how the printed number contradicts another) and sentinels (what speaks for false
    robustness of the method, empty if nothing). Accuracies in percent.
    """
    measured = {
        probe: read_measurements(models, probe).query("metric == 'accuracy'")
        for probe in ("pgd-20", "stronger-attacks", "autoattack")
    }
    summaries = []
    for place, (column, (metric, probe, attack)) in enumerate(COLUMNS.items()):
        rows = measured[probe]
        if attack is None:
            rows = rows.groupby([*NETWORK, "model", "seed"], sort=False).tail(1)
        else:
            rows = rows[rows["attack"] == attack]
        summary = over_seeds(rows, [*NETWORK, "method"])
        summaries.append(summary.assign(column=column, metric=metric, place=place))
    cells = pd.concat(summaries).rename_axis("row").sort_values(["row", "place"])
    cells["network"] = cells["architecture"].map(architecture_title)
    cells["paper_model"] = cells["paper_architecture"].map(architecture_title)
    keys = ["paper_dataset_title", "paper_model", "method", "metric"]
    cells = cells.merge(reference, how="left", on=keys, validate="many_to_one")
    cells["paper_note"] = cells["paper_note"].fillna("")
    cells["difference"] = cells["value"] - cells["paper_value"]
    names = [tuple(row) for row in cells[[*NETWORK, "method"]].to_numpy()]
    runs: dict[tuple, list[dict]] = {name: [] for name in names}
    for entry in models:
        runs[tuple(entry[key] for key in (*NETWORK, "method"))].append(entry)
    signs = {
        name: "; ".join(broken_sentinels([per_image(run) for run in same]))
        for name, same in runs.items()
    }
    cells["sentinels"] = [signs[name] for name in names]
    cells["parameters"] = pd.array([None] * len(cells), dtype="Int64")
    if cells["paper_parameters"].notna().any():
        sizes = {name: read_run(same[0])["parameters"] for name, same in runs.items()}
        cells["parameters"] = pd.array([sizes[name] for name in names], dtype="Int64")
    cells["paper_parameters"] = cells["paper_parameters"].astype("Int64")
    order = [
        *("dataset_title", "paper_dataset_title", "network", "paper_model"),
        *("parameters", "paper_parameters", "method", "column"),
        *("value", "ci_low", "ci_high", "n_images", "seeds"),
        *("paper_value", "difference", "paper_note", "sentinels"),
    ]
    return cells[order]


def per_image(entry: dict) -> PerImage:
    """The answers of one model and seed, image by image, for the sentinels."""
    weaker = probe_arrays(entry, "pgd-20")
    stronger, names = _with_attacks(entry, "stronger-attacks")
    worst, order = _with_attacks(entry, "autoattack")
    return PerImage(
        right={
            "pgd-20": weaker["correct"] & weaker["correct_clean"],
            **dict(zip(names, stronger["correct"], strict=True)),
        },
        zero_gradient=stronger["zero_gradient"],
        standing={
            "none": worst["correct_clean"],
            **dict(zip(order, worst["survived"], strict=True)),
        },
    )


def robustness_layout(cells: pd.DataFrame) -> Layout:
    """Rows grouped by data set and network; by networks, counted, where the paper counts."""
    by_network = bool(cells["parameters"].notna().any())
    first = "Network" if by_network else "Data set"
    return Layout(
        group=["dataset_title", "paper_dataset_title", "network", "paper_model"],
        heads=(first, "Method"),
        tex_heads=(first, "Method"),
        heading=_network_heading if by_network else dataset_heading,
        runner_up=True,
        counts=True,
    )


def robustness_notes(cells: pd.DataFrame) -> list[str]:
    """The sentences below the table: its marks, the sentinels, the paper's contradictions."""
    seeds = cells["seeds"].max()
    notes = ["Bold: best of its column and group. Underlined: runner-up."]
    if seeds > 1:
        notes[0] += f" Values are means over {seeds} training runs."
    flagged = cells[cells["sentinels"] != ""].drop_duplicates(["network", *_NAME])
    for row in flagged.itertuples():
        notes.append(
            f"{FLAG} {_place(row, cells)}: robustness may be false. {sentences(row.sentinels)}"
        )
    if flagged.empty:
        notes.append(
            "Sentinels against false robustness: all pass. Beyond noise, PGD-50 is not weaker than "
            f"PGD-20, no more than {MISSED} % of the images fall to Square alone or outlive "
            "AutoAttack although PGD-50 or C&W broke them, and no more than "
            f"{LEFT:.0f} % survive PGD with ε = 1/2 or have an input gradient of zero."
        )
    for row in cells[(cells["paper_note"] != "") & cells["paper_value"].notna()].itertuples():
        where = f"{row.method}, {row.column}, {row.paper_dataset_title}"
        notes.append(
            f"{DAGGER} {where}: this table of the paper prints {row.paper_value:.2f}, "
            f"{row.paper_note}."
        )
    return notes


def dataset_heading(group: pd.DataFrame) -> Heading:
    """The data set and our network, and those of the paper whose numbers stand beside ours."""
    row = group.iloc[0]
    paper = [row["paper_dataset_title"], row["paper_model"]] if _printed(group) else []
    return Heading(row["dataset_title"], [row["network"]], paper)


def sentences(reasons: str) -> str:
    """Reasons that are joined by "; ", as sentences."""
    return " ".join(f"{reason[0].upper()}{reason[1:]}." for reason in reasons.split("; "))


_NAME = ["dataset_title", "method"]


def _network_heading(group: pd.DataFrame) -> Heading:
    row = group.iloc[0]
    details = [f"{row['parameters']:,} parameters", row["dataset_title"]]
    paper = []
    if _printed(group):
        count = f"{row['paper_parameters']:,} parameters"
        paper = [row["paper_model"], count, row["paper_dataset_title"]]
    return Heading(row["network"], details, paper)


def _printed(group: pd.DataFrame) -> bool:
    return bool(group["paper_value"].notna().any())


def _place(row, cells: pd.DataFrame) -> str:
    """The method, with its data set and network where the table has several of them."""
    places = [row.method]
    places += [f"on {row.dataset_title}"] if cells["dataset_title"].nunique() > 1 else []
    places += [f"with {row.network}"] if cells["network"].nunique() > 1 else []
    return " ".join(places)


def _with_attacks(entry: dict, probe: str) -> tuple[dict, list[str]]:
    return probe_arrays(entry, probe), probe_metadata(entry, probe)["attacks"]
