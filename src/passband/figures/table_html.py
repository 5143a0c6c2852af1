"""A measured table as HTML for the report."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from passband.figures.load import in_order
from passband.figures.tables import (
    DAGGER,
    FLAG,
    Layout,
    Table,
    amount,
    below_heading,
    beside_amount,
    count_of,
    number,
    rows_of,
    unit_of,
)


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
        for index, (name, flagged, details, row) in enumerate(rows_of(group, layout)):
            data = "".join(
                _html_cell(row[column], count_of(group, column, layout) == "")
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


def _html_head(columns: list[str], group: pd.DataFrame, layout: Layout) -> str:
    below = [
        "".join(
            f' <span class="n">{escape(text)}</span>'
            for text in below_heading(group, column, layout)
        )
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
    if getattr(cell, "picture", ""):
        alt = escape(f"{cell.column}: {cell.row}")
        return f'<td><img alt="{alt}" src="data:image/png;base64,{cell.picture}"></td>'
    spans = [("value", amount(cell))]
    if cell.beside:
        same = f"{cell.beside} on the same {cell.n_images:,}: {beside_amount(cell)}"
        spans.append(("same", escape(same)))
    if pd.notna(cell.ci_low):
        ends = (number(end, cell.format) for end in (cell.ci_low, cell.ci_high))
        spans.append(("interval", "–".join(ends) + unit_of(cell)))
    if pd.notna(cell.paper_value):
        printed = escape(cell.paper_printed) + unit_of(cell)
        if getattr(cell, "paper_note", ""):
            printed += f'<abbr title="{escape(cell.paper_note)}">{DAGGER}</abbr>'
        spans.append(("paper", printed))
        spans.append(("difference", number(cell.difference, cell.format, sign="+")))
    if counted:
        spans.append(("n", f"n = {cell.n_images:,}"))
    text = " ".join(f'<span class="{kind}">{content}</span>' for kind, content in spans)
    return f'<td class="{cell.rank}">{text}</td>' if cell.rank else f"<td>{text}</td>"
