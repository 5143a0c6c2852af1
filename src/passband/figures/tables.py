"""A measured table as CSV for machines, HTML for the report and LaTeX for papers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from passband.figures.load import in_order
from passband.figures.tex import tex
from passband.files import write_text

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
    a dagger points to) and masking (text that flags the row).
    """

    cells: pd.DataFrame
    layout: Layout
    notes: Sequence[str] = ()


def write_table(table: Table, outputs: Mapping[str, str | Path], mark: str = "") -> None:
    """Write a table to the paths of `outputs`: csv, html and tex; see `to_html`."""
    cells = table.cells.drop(columns="format").round(4)
    write_text(outputs["csv"], cells.to_csv(index=False))
    write_text(outputs["html"], to_html(table, mark))
    write_text(outputs["tex"], to_latex(table, mark))


def to_html(table: Table, mark: str = "") -> str:
    """A `<table class="measured">`: a row group per data set or network, a row per method.

    Every cell holds spans of class value, same (another attack on the same images, where there is
    one), interval, paper and difference (the last two where the paper printed one); its class is
    its rank.
    """
    cells, layout, notes = table
    lines = ['<table class="measured">']
    before = None
    for _, group in cells.groupby(list(layout.group), sort=False):
        columns = in_order(group["column"])
        head = _html_head(columns, group, layout)
        if before is None:
            lines += ["<thead>", head, "</thead>", "<tbody>"]
        elif head == before:
            lines += ["<tbody>"]
        else:
            lines += ["<tbody>", head]
        before = head
        for index, (name, flagged, details, row) in enumerate(_rows(group, layout)):
            data = "".join(
                _html_cell(row[column], _count(group, column, layout) == "")
                if column in row
                else "<td></td>"
                for column in columns
            )
            flag = f' <span class="flag">{FLAG}</span>' if flagged else ""
            first = _html_heading(group, layout) if index == 0 else ""
            title = f"{escape(name)}{flag}{_html_details(details)}"
            lines.append(f'<tr>{first}<th scope="row">{title}</th>{data}</tr>')
        lines.append("</tbody>")
    if mark:
        span = f'<td colspan="{2 + len(columns)}" class="mark">{escape(mark)}</td>'
        lines.append(f"<tfoot><tr>{span}</tr></tfoot>")
    lines.append("</table>")
    if notes:
        items = [f"<li>{escape(note).replace(' %', '&nbsp;%')}</li>" for note in notes]
        lines += ['<ul class="table-notes">', *items, "</ul>"]
    return "\n".join([*lines, ""])


def to_latex(table: Table, mark: str = "") -> str:
    """A booktabs tabular: per method a line of values, of other attacks on the same images, of
    intervals, and of the paper's values.

    The best cells are bold, the second best underlined.
    """
    cells, layout, notes = table
    groups = [group for _, group in cells.groupby(list(layout.group), sort=False)]
    width = max(group["column"].nunique() for group in groups)
    lines = [r"\begin{tabular}{ll" + "r" * width + "}", r"\toprule"]
    for place, group in enumerate(groups):
        columns = in_order(group["column"])
        heading = layout.heading(group)
        below = [" ".join(_below(group, column, layout)) for column in columns]
        lines += [r"\midrule"] if place else []
        lines += [_line([*layout.heads, *map(tex, columns)])]
        if any(below):
            lines += [_line(["", "", *(rf"\scriptsize {tex(text)}" for text in below)])]
        lines += [r"\midrule"]
        titles = iter([heading.title, *heading.details])
        for name, flagged, details, row in _rows(group, layout):
            here = [row.get(column) for column in columns]
            small = "".join(rf" {{\scriptsize {tex(detail)}}}" for detail in details)
            parts = [
                [tex(name + FLAG * flagged) + small, *map(_tex_value, here)],
                [r"\quad\scriptsize 95\,\% interval", *map(_tex_interval, here)],
            ]
            if any(cell is not None and cell.beside for cell in here):
                parts.insert(1, [r"\quad\scriptsize on the same images", *map(_tex_beside, here)])
            if heading.paper:
                label = rf"\quad\scriptsize paper ({tex(', '.join(heading.paper))})"
                parts.append([label, *map(_tex_paper, here)])
            lines += [_line([tex(next(titles, "")), *part]) for part in parts]
    lines.append(r"\bottomrule")
    if mark:
        lines.append(rf"\multicolumn{{{width + 2}}}{{r}}{{\scriptsize {tex(mark)}}} \\")
    for note in notes:
        text = rf"\scriptsize\raggedright {tex(note)}"
        lines.append(rf"\multicolumn{{{width + 2}}}{{p{{\linewidth}}}}{{{text}}} \\")
    return "\n".join([*lines, r"\end{tabular}", ""])


def _rows(group: pd.DataFrame, layout: Layout) -> Iterator[tuple[str, bool, Sequence[str], dict]]:
    """Per row its name, whether a check speaks against it, details, and cells by column."""
    for name, row in group.groupby(layout.row, sort=False):
        flagged = "masking" in row and bool(row["masking"].iloc[0])
        cells = {cell.column: cell for cell in row.itertuples()}
        yield name, flagged, layout.row_details(row), cells


def _count(group: pd.DataFrame, column: str, layout: Layout) -> str | None:
    """The number of images behind a column: empty if its cells differ, None if not asked for."""
    if not layout.counts:
        return None
    counts = group.loc[group["column"] == column, "n_images"].unique()
    return f"n = {counts[0]:,}" if len(counts) == 1 else ""


def _below(group: pd.DataFrame, column: str, layout: Layout) -> list[str]:
    """What stands below a column's name: its unit, unless percent, and its number of images."""
    unit = group.loc[group["column"] == column, "unit"].iloc[0]
    texts = [] if unit == PERCENT else [unit]
    count = _count(group, column, layout)
    return [*texts, count] if count else texts


def _html_head(columns: list[str], group: pd.DataFrame, layout: Layout) -> str:
    below = [
        "".join(f' <span class="n">{escape(text)}</span>' for text in _below(group, column, layout))
        for column in columns
    ]
    names = [*layout.heads, *columns]
    fields = zip(names, ["", "", *below], strict=True)
    return (
        "<tr>" + "".join(f'<th scope="col">{escape(name)}{n}</th>' for name, n in fields) + "</tr>"
    )


def _html_heading(group: pd.DataFrame, layout: Layout) -> str:
    heading = layout.heading(group)
    details = _html_details(heading.details)
    names = ", ".join(f'<span class="nowrap">{escape(name)}</span>' for name in heading.paper)
    paper = f' <span class="paper">paper: {names}</span>' if names else ""
    rows = group[layout.row].nunique()
    text = f"{escape(heading.title)}{details}{paper}"
    return f'<th scope="rowgroup" rowspan="{rows}">{text}</th>'


def _html_details(details: Sequence[str]) -> str:
    return "".join(f' <span class="detail">{escape(text)}</span>' for text in details)


def _html_cell(cell, counted: bool) -> str:
    spans = [("value", _amount(cell))]
    if cell.beside:
        same = f"{cell.beside} on the same {cell.n_images:,}: {_beside_amount(cell)}"
        spans.append(("same", escape(same)))
    if pd.notna(cell.ci_low):
        ends = (_number(end, cell.format) for end in (cell.ci_low, cell.ci_high))
        spans.append(("interval", "–".join(ends) + _unit(cell)))
    if pd.notna(cell.paper_value):
        printed = escape(cell.paper_printed) + _unit(cell)
        if getattr(cell, "paper_note", ""):
            printed += f'<abbr title="{escape(cell.paper_note)}">{DAGGER}</abbr>'
        spans.append(("paper", printed))
        spans.append(("difference", _number(cell.difference, cell.format, sign="+")))
    if counted:
        spans.append(("n", f"n = {cell.n_images:,}"))
    text = " ".join(f'<span class="{kind}">{content}</span>' for kind, content in spans)
    return f'<td class="{cell.rank}">{text}</td>' if cell.rank else f"<td>{text}</td>"


def few(cells) -> bool:
    """Whether a cell, or which of all cells, are shares of so few images that they are counted."""
    return (cells.unit == PERCENT) & (cells.n_images < FEW)


def _amount(cell) -> str:
    """A cell's value, a count where there are few images."""
    return _counted(cell.right, cell) if few(cell) else _number(cell.value, cell.format)


def _beside_amount(cell) -> str:
    right = round(cell.beside_value / 100 * cell.n_images * cell.seeds)
    return _counted(right, cell) if few(cell) else _number(cell.beside_value, cell.format)


def _counted(right: int, cell) -> str:
    """Right answers of all images, those of several training runs together."""
    runs = f"{cell.seeds} × " if cell.seeds > 1 else ""
    return f"{right} of {runs}{cell.n_images}"


def _unit(cell) -> str:
    """The unit of numbers below a count, which has none."""
    return " %" if few(cell) else ""


def _number(value: float, form: str, sign: str = "") -> str:
    """A number in the format of its column, without a negative zero.

    >>> _number(-12.345, ".1f", sign="+"), _number(-0.01, ".1f", sign="+")
    ('−12.3', '+0.0')
    """
    text = format(value, sign + form)
    if not any(digit in "123456789" for digit in text):
        text = format(0.0, sign + form)
    return text.replace("-", "−")


def _line(fields: list[str]) -> str:
    return " & ".join(fields) + r" \\"


def _tex_value(cell) -> str:
    if cell is None:
        return ""
    text = tex(_amount(cell))
    return {BEST: rf"\textbf{{{text}}}", RUNNER_UP: rf"\underline{{{text}}}"}.get(cell.rank, text)


def _tex_beside(cell) -> str:
    if cell is None or not cell.beside:
        return ""
    return rf"\scriptsize {tex(f'{cell.beside}: {_beside_amount(cell)}')}"


def _tex_interval(cell) -> str:
    if cell is None or pd.isna(cell.ci_low):
        return ""
    ends = (tex(_number(end, cell.format)) for end in (cell.ci_low, cell.ci_high))
    return rf"\scriptsize {'--'.join(ends)}{tex(_unit(cell))}"


def _tex_paper(cell) -> str:
    if cell is None or pd.isna(cell.paper_value):
        return ""
    dagger = tex(DAGGER) if getattr(cell, "paper_note", "") else ""
    return rf"\scriptsize {tex(cell.paper_printed)}{tex(_unit(cell))}{dagger}"
