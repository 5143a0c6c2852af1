"""The numbers that the papers print, under our names."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
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
        names: `printed` of the paper's paper.yaml: how the paper's names of data sets, networks,
            methods and metrics become ours.

    Returns:
        Its rows with our names in dataset, model, method and metric; `printed` is the number as the
        paper has it, except that fractions are in percent; `value` is the same as a float.
        The other columns are text, empty where missing.

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
    records = rows.to_dict("records")
    printed = [in_percent(row) for row in records]
    numbers = pd.Series(printed, rows.index, dtype=str).str.replace(",", "")
    renamed = {
        key: [our_name(key, row, names.get(f"{key}s", ())) for row in records]
        for key in ("method", "metric")
        if key in rows
    }
    return rows.assign(
        dataset=rows["dataset"].replace(names.get("datasets", {})),
        model=rows["model"].replace(names.get("networks", {})),
        **renamed,
        printed=printed,
        value=pd.to_numeric(numbers, errors="coerce"),
    )


def in_percent(row: Mapping[str, str]) -> str:
    """The number of a printed row as the paper has it, but a fraction in percent.

    >>> in_percent({"value": "0.856", "unit": "fraction"}), in_percent({"value": "90.10"})
    ('85.6', '90.10')
    """
    if row.get("unit") != "fraction" or not row["value"]:
        return row["value"]
    return format(Decimal(row["value"]).scaleb(2), "f")


def our_name(key: str, row: Mapping[str, str], rules: Sequence[Mapping[str, str]]) -> str:
    """Our name for the printed name in column `key` of a row.

    The first matching rule applies: the printed name is its own under the same key, and its
    `condition`, if any, is among the row's conditions.

    >>> rule = {"method": "AT", "condition": "batch_size=64", "here": "AT (batch 64)"}
    >>> row = {"method": "AT", "condition": "batch_size=64;bits=4"}
    >>> our_name("method", row, [rule]), our_name("method", row | {"condition": ""}, [rule])
    ('AT (batch 64)', 'AT')
    """
    for rule in rules:
        conditions = row["condition"].split(";")
        if rule[key] == row[key] and rule.get("condition", conditions[0]) in conditions:
            return rule["here"]
    return row[key]
