"""The accuracies that a paper printed, for the tables that stand beside ours."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from passband.errors import UserError
from passband.printed_methods import method_of

if TYPE_CHECKING:
    import pandas as pd

# Accuracy under the second attack cannot be above that under the first.
NEVER_ABOVE = [
    *(("clean", attack) for attack in ("PGD-20", "PGD-50", "C&W", "AA")),
    ("PGD-20", "PGD-50"),
    *((attack, "AA") for attack in ("PGD-20", "PGD-50", "C&W")),
]
CELL = ["dataset", "model", "method", "metric"]
PAPER = {"dataset": "paper_dataset_title", "model": "paper_model", "value": "paper_value"}

NETWORKS = {
    "mobilenet_v2": "MobileNet-V2",
    "efficientnet_b0": "EfficientNet",
    "efficientnet": "EfficientNet",
}


def read_lowpass_reference(path: str | Path) -> "pd.DataFrame":
    """Read a table of a paper with the rows `lpf=k` (metric clean) and PGD-20.

    Returns the columns paper_dataset_title, paper_model, method, fraction, paper_value (percent).
    `fraction` is k over the image side, the largest k of the data set, so that images of other
    sizes compare; NaN marks accuracy under PGD-20 without a filter.
    """
    import pandas as pd

    rows = _printed(path)
    bandwidth = pd.to_numeric(rows["condition"].str.removeprefix("lpf="), errors="coerce")
    side = bandwidth.groupby(rows["dataset"]).transform("max")
    lowpass = rows["condition"].str.startswith("lpf=") & (rows["metric"] == "clean")
    attacked = (rows["condition"] == "") & (rows["metric"] == "PGD-20")
    return pd.DataFrame(
        {
            "paper_dataset_title": rows["dataset"],
            "paper_model": rows["model"],
            "method": rows["method"],
            "fraction": bandwidth / side,
            "paper_value": rows["value"],
        }
    )[lowpass | attacked].reset_index(drop=True)


def read_robustness_reference(path: str | Path) -> "pd.DataFrame":
    """Read a table of a paper with clean accuracy and accuracies under attacks.

    Returns the columns paper_dataset_title, paper_model, method, metric (clean, PGD-20, PGD-50,
    C&W, AA), paper_value (percent), paper_parameters (of the network; NaN where the table has
    none) and paper_note: how the cell contradicts another one, of this table or of the same
    paper's tables beside this file; empty where it does not.
    """
    path = Path(path)
    rows = _printed(path)
    network = ["dataset", "model"]
    counts = rows[rows["metric"] == "params"].set_index(network)["value"].rename("paper_parameters")
    rows = rows[(rows["condition"] == "") & (rows["method"] != "")].join(counts, on=network)
    elsewhere = [table[table["condition"] == ""] for table in _other_tables(path)]
    rows = rows.assign(paper_note=_contradictions(rows, elsewhere)).rename(columns=PAPER)
    kept = ["method", "metric", "paper_parameters", "paper_note"]
    return rows[[*PAPER.values(), *kept]].reset_index(drop=True)


def read_attack_reference(path: str | Path) -> "pd.DataFrame":
    """Read a table of a paper with a row per filter, batch size, network or other condition.

    Returns the columns paper_dataset_title, paper_model, method (ours), fraction (of the
    image side that a filter keeps, 1 without one), metric, condition, row_name (empty if not
    known here), paper_value (percent), paper_elsewhere (table -> number as printed, where another
    of the paper's tables has another number for the same cell) and paper_note (that in words).
    """
    path = Path(path)
    rows = _our_rows(_printed(path))
    elsewhere = [_our_rows(table) for table in _other_tables(path)]
    others = _printed_elsewhere(rows, elsewhere, [*CELL, "fraction"])
    notes = [
        "; ".join(f"{table} prints {printed}" for table, printed in cell.items()) for cell in others
    ]
    rows = rows.assign(paper_elsewhere=others, paper_note=notes).rename(columns=PAPER)
    kept = ["method", "fraction", "metric", "condition", "row_name", "paper_elsewhere"]
    return rows[[*PAPER.values(), *kept, "paper_note"]].reset_index(drop=True)


def read_ratio_reference(path: str | Path) -> "pd.DataFrame":
    """The ratios of low to high frequencies that fourier_study prints in its text.

    Returns the columns method, epoch (first or last) and paper_value.
    """
    rows = _printed(path).query("metric == 'LFI/HFI'")
    epoch = rows["condition"].str.removeprefix("epoch=")
    rows = rows.assign(epoch=epoch, paper_value=rows["value"])
    return rows[["method", "epoch", "paper_value"]].reset_index(drop=True)


def _our_rows(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The rows with our method, the row's name, and the share of the side that is kept."""
    records = rows.to_dict("records")
    bandwidth = rows["condition"].str.extract(r"lpf=(\d+)", expand=False).astype(float)
    return rows.assign(
        method=[method_of(row) for row in records],
        row_name=[_row_name(row["method"], row["condition"]) for row in records],
        fraction=(bandwidth / bandwidth.max()).fillna(1.0),
    )


def _row_name(method: str, condition: str) -> str:
    """What tells a row of a table apart: batch size, augmentation or quantisation, or nothing.

    >>> _row_name("PGD-7-AT", "batch_size=64"), _row_name("PGD-7-AT", "da=none")
    ('64', 'none')
    >>> _row_name("PGD-7-AT+QM-32", "bits=32;fat=false"), _row_name("PGD-7-AT", "lpf=32")
    ('QM-32', '')
    """
    kind, _, value = condition.partition("=")
    return value if kind == "batch_size" else method.partition("+")[2] or "none" * (kind == "da")


def _other_tables(path: Path) -> "list[pd.DataFrame]":
    """The same paper's tables beside this file, in the order of their names."""
    others = path.parent.glob(re.sub(r"\d+$", "*", path.stem) + ".csv")
    return [_printed(other) for other in sorted(others) if other != path]


def _printed_elsewhere(
    rows: "pd.DataFrame", elsewhere: "list[pd.DataFrame]", keys: list[str]
) -> list[dict[str, str]]:
    """Per row, the tables that print another number for this cell, and what they print."""
    values = rows.set_index(keys)["value"].to_dict()
    found: dict[tuple, dict[str, str]] = {key: {} for key in values}
    for table in elsewhere:
        for cell in table.to_dict("records"):
            key = tuple(cell[name] for name in keys)
            if values.get(key, cell["value"]) != cell["value"]:
                found[key][cell["table"]] = cell["printed"]
    return list(found.values())


def _contradictions(rows: "pd.DataFrame", elsewhere: "list[pd.DataFrame]") -> list[str]:
    """Per row what else the paper prints for this cell, or that it breaks NEVER_ABOVE."""
    values = rows.set_index(CELL)["value"].to_dict()
    others = _printed_elsewhere(rows, elsewhere, CELL)
    notes = {
        key: [f"{table} prints {printed}" for table, printed in cell.items()]
        for key, cell in zip(values, others, strict=True)
    }
    for *model, metric in values:
        for weaker, stronger in NEVER_ABOVE:
            printed = values.get((*model, weaker), 100.0)
            if metric == stronger and printed < values[*model, metric]:
                easier = f"above {weaker} ({printed:.2f}), which should be easier"
                notes[*model, metric].append(easier)
    return ["; ".join(note) for note in notes.values()]


def architecture_title(name: str) -> str:
    """What papers call a network of this project.

    >>> [architecture_title(name) for name in ("resnet18", "wrn_34_10", "resnet8_w8")]
    ['ResNet-18', 'WRN-34-10', 'ResNet-8 (width 8)']
    >>> [architecture_title(name) for name in ("mobilenet_v2_tiny", "resnet8_hardtanh")]
    ['MobileNet-V2 (tiny)', 'ResNet-8 (hardtanh)']
    """
    family = re.fullmatch(rf"({'|'.join(NETWORKS)}|resnet|wrn_)([\d_]*?)(?:_([a-z]\w*))?", name)
    if not family:
        return name
    kind, size, variant = family.groups()
    title = (
        NETWORKS.get(kind) or f"{'ResNet' if kind == 'resnet' else 'WRN'}-{size.replace('_', '-')}"
    )
    width = re.fullmatch(r"w(\d+)", variant or "")
    if width:
        variant = f"width {width[1]}"
    return f"{title} ({variant})" if variant else title


def _printed(path: str | Path) -> "pd.DataFrame":
    """The rows of a table, with `printed` as the paper has it and `value` as a number."""
    import pandas as pd

    if not Path(path).is_file():
        raise UserError(f"{path} is missing: it holds the paper's numbers for this artifact.")
    rows = pd.read_csv(path, keep_default_na=False, dtype=str)
    return rows.assign(
        dataset=rows["dataset"].replace("TinyImageNet", "Tiny ImageNet"),
        printed=rows["value"],
        value=rows["value"].str.replace(",", "").astype(float),
    )
