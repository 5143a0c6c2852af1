"""The numbers that the papers print, under our names."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from passband.errors import Damaged, UserError
from passband.files import read_csv

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "model", "method", "condition", "value")


def read_printed(path: str | Path, names: Mapping[str, object]) -> "pd.DataFrame":
    """Read a file of config/papers/<paper>/printed.

    Args:
        path: the CSV file.
        names: `printed` of the paper's paper.yaml: how the paper's names of data sets, networks
            and methods become ours.

    Returns:
        Its rows with our names in dataset, model and method; `printed` is the number as the paper
        has it, `value` the same as a float. The other columns are text, empty where missing.

    Raises:
        UserError: there is no such file, or it is damaged.
    """
    import pandas as pd

    if not Path(path).is_file():
        raise UserError(f"{path} is missing: add the table with the numbers that the paper prints.")
    try:
        rows = pd.DataFrame(read_csv(path, COLUMNS))
    except Damaged as damage:
        raise UserError(
            f"{path} is damaged ({damage.reason}): it belongs to the project; get it again."
        ) from damage
    return rows.assign(
        dataset=rows["dataset"].replace(names.get("datasets", {})),
        model=rows["model"].replace(names.get("networks", {})),
        method=[method_of(row, names) for row in rows.to_dict("records")],
        printed=rows["value"],
        value=pd.to_numeric(rows["value"].str.replace(",", ""), errors="coerce"),
    )


def method_of(row: Mapping[str, str], names: Mapping[str, object]) -> str:
    """Our name for the method of a printed row.

    The first matching rule applies: its `method` is the row's, and its `condition`, if it has one,
    is among the row's conditions.

    >>> rule = {"method": "AT", "condition": "batch_size=64", "here": "AT (batch 64)"}
    >>> row = {"method": "AT", "condition": "batch_size=64;bits=4"}
    >>> method_of(row, {"methods": [rule]}), method_of(row | {"condition": ""}, {"methods": [rule]})
    ('AT (batch 64)', 'AT')
    """
    for rule in names.get("methods", []):
        conditions = row["condition"].split(";")
        if rule["method"] == row["method"] and rule.get("condition", conditions[0]) in conditions:
            return rule["here"]
    return row["method"]
