"""The accuracies that a paper printed for low-pass filtered images and for PGD-20."""

from pathlib import Path
from typing import TYPE_CHECKING

from passband.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def read_lowpass_reference(path: str | Path) -> "pd.DataFrame":
    """Read a table of a paper with the rows `lpf=k` (metric clean) and PGD-20.

    Returns the columns paper_dataset_title, paper_model, method, fraction, paper_value (percent).
    `fraction` is k over the image side, the largest k of the data set, so that images of other
    sizes compare; NaN marks accuracy under PGD-20 without a filter.
    """
    import pandas as pd

    if not Path(path).is_file():
        raise UserError(f"{path} is missing: it holds the paper's numbers for this artifact.")
    rows = pd.read_csv(path, keep_default_na=False)
    bandwidth = pd.to_numeric(rows["condition"].str.removeprefix("lpf="), errors="coerce")
    side = bandwidth.groupby(rows["dataset"]).transform("max")
    lowpass = rows["condition"].str.startswith("lpf=") & (rows["metric"] == "clean")
    attacked = (rows["condition"] == "") & (rows["metric"] == "PGD-20")
    return pd.DataFrame(
        {
            "paper_dataset_title": rows["dataset"].replace("TinyImageNet", "Tiny ImageNet"),
            "paper_model": rows["model"],
            "method": rows["method"],
            "fraction": bandwidth / side,
            "paper_value": rows["value"].astype(float),
        }
    )[lowpass | attacked].reset_index(drop=True)
