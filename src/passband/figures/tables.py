"""A measured table: its cells, their layout, and their numbers as text."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

FLAG, DAGGER = "‡", "†"  # beside a method that a check speaks against, and a printed number
PERCENT = "percent"
FEW = 100  # images, below which counts are shown in the place of percentages
BEST, RUNNER_UP = "best", "runner-up"  # ranks of cells


class Heading(NamedTuple):
    """What stands before a group of rows: a title, details of it, and the paper's counterpart."""

    title: str
    details: Sequence[str] = ()
    paper: Sequence[str] = ()


class Layout(NamedTuple):
    """What differs between measured tables.

    group: the columns of the cells by which rows are grouped; heads: above the groups' and the
    rows' names; heading: of the cells of a group; row: the column of the cells that names a row;
    row_details: of the cells of a row, below its name; counts: whether columns tell the number of
    images.
    """

    group: Sequence[str]
    heads: tuple[str, str]
    heading: Callable[[pd.DataFrame], Heading]
    row: str = "row"
    row_details: Callable[[pd.DataFrame], Sequence[str]] = lambda cells: ()
    counts: bool = False


class Table(NamedTuple):
    """What a table shows: its cells, their layout, and sentences below it.

    cells: a row per cell with the columns of `layout.group`, `layout.row`, column, value, ci_low,
    ci_high (NaN where no interval is known), paper_value and difference (NaN where the paper has
    no such cell), unit, format (as `format` takes it), n_images, seeds and right (the answers that
    are right, of all seeds together); rank (BEST, RUNNER_UP or empty), beside and beside_value (an
    attack, and its accuracy on the images of the cell); where there are any, paper_note (text that
    a dagger points to), masking (text that flags the row) and picture (a PNG file in base64 in the
    place of a number, else empty).
    """

    cells: pd.DataFrame
    layout: Layout
    notes: Sequence[str] = ()


def numbers_of(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that hold numbers, without the column of pictures."""
    if "picture" not in cells:
        return cells
    return cells[cells["picture"] == ""].drop(columns="picture")


def right_answers(cells: pd.DataFrame) -> pd.Series:
    """The number of right answers of all seeds together; missing for other units than percent."""
    right = cells["value"] / 100 * cells["n_images"] * cells["seeds"]
    return right.where(cells["unit"] == PERCENT).round().astype("Int64")


def rows_of(group: pd.DataFrame, layout: Layout) -> Iterator[tuple[str, bool, Sequence[str], dict]]:
    """Per row its name, whether a check speaks against it, details, and cells by column."""
    for name, row in group.groupby(layout.row, sort=False):
        flagged = "masking" in row and bool(row["masking"].iloc[0])
        cells = {cell.column: cell for cell in row.itertuples()}
        yield name, flagged, layout.row_details(row), cells


def count_of(group: pd.DataFrame, column: str, layout: Layout) -> str | None:
    """The number of images behind a column: empty if its cells differ, None if not asked for."""
    if not layout.counts:
        return None
    counts = group.loc[group["column"] == column, "n_images"].unique()
    return f"n = {counts[0]:,}" if len(counts) == 1 else ""


def below_heading(group: pd.DataFrame, column: str, layout: Layout) -> list[str]:
    """What stands below a column's name: its unit, unless percent, and its number of images."""
    unit = group.loc[group["column"] == column, "unit"].iloc[0]
    texts = [] if unit == PERCENT else [unit]
    count = count_of(group, column, layout)
    return [*texts, count] if count else texts


def few(cells) -> bool:
    """Whether a cell, or which of all cells, are shares of so few images that they are counted."""
    return (cells.unit == PERCENT) & (cells.n_images < FEW)


def amount(cell) -> str:
    """A cell's value, a count where there are few images."""
    return _counted(cell.right, cell) if few(cell) else number(cell.value, cell.format)


def beside_amount(cell) -> str:
    right = round(cell.beside_value / 100 * cell.n_images * cell.seeds)
    return _counted(right, cell) if few(cell) else number(cell.beside_value, cell.format)


def _counted(right: int, cell) -> str:
    """Right answers of all images, those of several training runs together."""
    runs = f"{cell.seeds} × " if cell.seeds > 1 else ""
    return f"{right} of {runs}{cell.n_images}"


def unit_of(cell) -> str:
    """The unit of numbers below a count, which has none."""
    return " %" if few(cell) else ""


def number(value: float, form: str, sign: str = "") -> str:
    """A number in the format of its column, without a negative zero.

    >>> number(-12.345, ".1f", sign="+"), number(-0.01, ".1f", sign="+")
    ('−12.3', '+0.0')
    """
    text = format(value, sign + form)
    if not any(digit in "123456789" for digit in text):
        text = format(0.0, sign + form)
    return text.replace("-", "−")
