"""The accuracies that a paper printed, for the tables that stand beside ours."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from passband.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

# Accuracy under the second attack cannot be above that under the first.
NEVER_ABOVE = [
    *(("clean", attack) for attack in ("PGD-20", "PGD-50", "C&W", "AA")),
    ("PGD-20", "PGD-50"),
    *((attack, "AA") for attack in ("PGD-20", "PGD-50", "C&W")),
]


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
    others = path.parent.glob(re.sub(r"\d+$", "*", path.stem) + ".csv")
    elsewhere = [_printed(other) for other in sorted(others) if other != path]
    names = {"dataset": "paper_dataset_title", "model": "paper_model", "value": "paper_value"}
    kept = ["method", "metric", "paper_parameters", "paper_note"]
    rows = rows.assign(paper_note=_contradictions(rows, elsewhere)).rename(columns=names)
    return rows[[*names.values(), *kept]].reset_index(drop=True)


def _contradictions(rows: "pd.DataFrame", elsewhere: "list[pd.DataFrame]") -> list[str]:
    """Per row what else the paper prints for this cell, or that it breaks NEVER_ABOVE."""
    keys = ["dataset", "model", "method", "metric"]
    values = rows.set_index(keys)["value"].to_dict()
    notes: dict[tuple, list[str]] = {key: [] for key in values}
    for table in elsewhere:
        for cell in table[table["condition"] == ""].itertuples():
            key = tuple(getattr(cell, name) for name in keys)
            if values.get(key, cell.value) != cell.value:
                notes[key].append(f"{cell.table} prints {cell.printed}")
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
    """
    family = re.fullmatch(r"(resnet|wrn_)([\d_]+?)(?:_w(\d+))?", name)
    if not family:
        return name
    kind, size, width = family.groups()
    title = f"{'ResNet' if kind == 'resnet' else 'WRN'}-{size.replace('_', '-')}"
    return f"{title} (width {width})" if width else title


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
