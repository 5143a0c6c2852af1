"""A measured table as LaTeX for papers."""

import pandas as pd

from passband.figures.load import in_order
from passband.figures.tables import (
    BEST,
    DAGGER,
    FLAG,
    RUNNER_UP,
    Table,
    amount,
    below_heading,
    beside_amount,
    number,
    numbers_of,
    rows_of,
    unit_of,
)
from passband.figures.tex import tex


def to_latex(table: Table, mark: str = "") -> str:
    """A booktabs tabular: per method a line of values, of other attacks on the same images, of
    intervals, and of the paper's values.

    The best cells are bold, the second best underlined; pictures are left out.
    """
    cells, layout, notes = table
    cells = numbers_of(cells)
    groups = [group for _, group in cells.groupby(list(layout.group), sort=False)]
    width = max(group["column"].nunique() for group in groups)
    lines = [r"\begin{tabular}{ll" + "r" * width + "}", r"\toprule"]
    for place, group in enumerate(groups):
        columns = in_order(group["column"])
        heading = layout.heading(group)
        below = [" ".join(below_heading(group, column, layout)) for column in columns]
        lines += [r"\midrule"] if place else []
        lines += [_line([*layout.heads, *map(tex, columns)])]
        if any(below):
            lines += [_line(["", "", *(rf"\scriptsize {tex(text)}" for text in below)])]
        lines += [r"\midrule"]
        titles = iter([heading.title, *heading.details])
        for name, flagged, details, row in rows_of(group, layout):
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


def _line(fields: list[str]) -> str:
    return " & ".join(fields) + r" \\"


def _tex_value(cell) -> str:
    if cell is None:
        return ""
    text = tex(amount(cell))
    return {BEST: rf"\textbf{{{text}}}", RUNNER_UP: rf"\underline{{{text}}}"}.get(cell.rank, text)


def _tex_beside(cell) -> str:
    if cell is None or not cell.beside:
        return ""
    return rf"\scriptsize {tex(f'{cell.beside}: {beside_amount(cell)}')}"


def _tex_interval(cell) -> str:
    if cell is None or pd.isna(cell.ci_low):
        return ""
    ends = (tex(number(end, cell.format)) for end in (cell.ci_low, cell.ci_high))
    return rf"\scriptsize {'--'.join(ends)}{tex(unit_of(cell))}"


def _tex_paper(cell) -> str:
    if cell is None or pd.isna(cell.paper_value):
        return ""
    dagger = tex(DAGGER) if getattr(cell, "paper_note", "") else ""
    return rf"\scriptsize {tex(cell.paper_printed)}{tex(unit_of(cell))}{dagger}"
