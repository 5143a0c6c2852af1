"""A measured table as CSV for machines, HTML for the report and LaTeX for papers."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from passband.figures.load import in_order
from passband.figures.style import METHODS
from passband.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTACKED = "PGD-20"


def lowpass_cells(
    lowpass: pd.DataFrame, attacked: pd.DataFrame, reference: pd.DataFrame
) -> pd.DataFrame:
    """The cells of a table of accuracies per bandwidth and under PGD-20, beside the paper's.

    lowpass: rows of `intervals.over_seeds` with dataset_title, paper_dataset_title, method and
        bandwidth; attacked: the same without bandwidth.
    reference: `reference.read_lowpass_reference`; cells meet by the paper's data set, the method
        and the fraction of the image side.

    Returns one row per cell: dataset_title, paper_dataset_title, method, column (the printed
    bandwidth or "PGD-20"), bandwidth, fraction, value, ci_low, ci_high, n_images, seeds,
    paper_value and difference (value - paper_value), accuracies in percent, NaN where the paper
    has no such cell.
    """
    side = lowpass.groupby("dataset_title")["bandwidth"].transform("max")
    lowpass = lowpass.assign(
        fraction=lowpass["bandwidth"] / side, column=lowpass["bandwidth"].map("{:.0f}".format)
    )
    cells = pd.concat([lowpass, attacked.assign(column=ATTACKED)], ignore_index=True)
    keys = ["paper_dataset_title", "method", "fraction"]
    cells = cells.merge(reference, how="left", on=keys, validate="many_to_one")
    cells["difference"] = cells["value"] - cells["paper_value"]
    order = [
        *("dataset_title", "paper_dataset_title", "paper_model", "method", "column", "bandwidth"),
        *("fraction", "value", "ci_low", "ci_high", "n_images", "seeds"),
        *("paper_value", "difference"),
    ]
    return cells[order]


def write_table(cells: pd.DataFrame, outputs: Mapping[str, str | Path], mark: str = "") -> None:
    """Write `cells` (see `lowpass_cells`) to the paths of `outputs`: csv, html and tex."""
    write_text(outputs["csv"], cells.assign(unit="percent").round(4).to_csv(index=False))
    write_text(outputs["html"], to_html(cells, mark))
    write_text(outputs["tex"], to_latex(cells, mark))


def to_html(cells: pd.DataFrame, mark: str = "") -> str:
    """A `<table class="measured">`: a row group per data set, a row per method.

    Every cell holds spans of class value, interval, paper and difference (the last two where the
    paper printed one); the best cell of a column and data set has the class best.
    """
    lines = ['<table class="measured">']
    head = None
    for dataset, group in cells.groupby("dataset_title", sort=False):
        columns = in_order(group["column"])
        if head is None:
            lines += ["<thead>", _html_head(columns), "</thead>", "<tbody>"]
        elif columns == head:
            lines += ["<tbody>"]
        else:
            lines += ["<tbody>", _html_head(columns)]
        head = columns
        paper = _paper_name(group)
        source = f' <span class="paper">paper: {escape(paper)}</span>' if paper else ""
        for index, (method, row) in enumerate(_rows(group)):
            first = (
                f'<th scope="rowgroup" rowspan="{group["method"].nunique()}">'
                f"{escape(dataset)}{source}</th>"
            )
            data = "".join(_html_cell(row.get(column), group) for column in columns)
            name = f'<th scope="row">{escape(method)}</th>'
            lines.append(f"<tr>{first if index == 0 else ''}{name}{data}</tr>")
        lines.append("</tbody>")
    if mark:
        span = f'<td colspan="{2 + len(head)}" class="mark">{escape(mark)}</td>'
        lines.append(f"<tfoot><tr>{span}</tr></tfoot>")
    return "\n".join([*lines, "</table>", ""])


def to_latex(cells: pd.DataFrame, mark: str = "") -> str:
    """A booktabs tabular: per method a line of values, of intervals, and of the paper's values."""
    width = max(group["column"].nunique() for _, group in cells.groupby("dataset_title"))
    lines = [r"\begin{tabular}{ll" + "r" * width + "}", r"\toprule"]
    for place, (dataset, group) in enumerate(cells.groupby("dataset_title", sort=False)):
        columns = in_order(group["column"])
        lines += [r"\midrule"] if place else []
        lines += [_line(["Data set", "Bandwidth $k$", *columns]), r"\midrule"]
        for index, (method, row) in enumerate(_rows(group)):
            here = [row.get(column) for column in columns]
            lines.append(
                _line(
                    [
                        _tex(dataset) if index == 0 else "",
                        method,
                        *(_tex_value(c, group) for c in here),
                    ]
                )
            )
            lines.append(
                _line(["", r"\quad\scriptsize 95\,\% interval", *map(_tex_interval, here)])
            )
            paper = _paper_name(group)
            if paper:
                label = rf"\quad\scriptsize paper ({_tex(paper)})"
                lines.append(_line(["", label, *map(_tex_paper, here)]))
    lines.append(r"\bottomrule")
    if mark:
        lines.append(rf"\multicolumn{{{width + 2}}}{{r}}{{\scriptsize {_tex(mark)}}} \\")
    return "\n".join([*lines, r"\end{tabular}", ""])


def _rows(group: pd.DataFrame) -> "Iterator[tuple[str, dict]]":
    for method, row in group.groupby("method", sort=False):
        name = METHODS.get(method, (method,))[0]
        yield name, {cell.column: cell for cell in row.itertuples()}


def _paper_name(group: pd.DataFrame) -> str:
    known = group.dropna(subset="paper_value")
    if known.empty:
        return ""
    return f"{known['paper_dataset_title'].iloc[0]}, {known['paper_model'].iloc[0]}"


def _is_best(cell, group: pd.DataFrame) -> bool:
    return cell.value == group.loc[group["column"] == cell.column, "value"].max()


def _html_head(columns: list[str]) -> str:
    names = ["Data set", "Model", *(c if c == ATTACKED else f"k = {c}" for c in columns)]
    return "<tr>" + "".join(f'<th scope="col">{escape(name)}</th>' for name in names) + "</tr>"


def _html_cell(cell, group: pd.DataFrame) -> str:
    if cell is None:
        return "<td></td>"
    spans = [("value", f"{cell.value:.1f}"), ("interval", f"{cell.ci_low:.1f}–{cell.ci_high:.1f}")]
    if pd.notna(cell.paper_value):
        spans.append(("paper", f"{cell.paper_value:.2f}"))
        spans.append(("difference", f"{round(cell.difference, 1) + 0.0:+.1f}".replace("-", "−")))
    text = " ".join(f'<span class="{kind}">{content}</span>' for kind, content in spans)
    return f'<td class="best">{text}</td>' if _is_best(cell, group) else f"<td>{text}</td>"


def _line(fields: list[str]) -> str:
    return " & ".join(fields) + r" \\"


def _tex_value(cell, group: pd.DataFrame) -> str:
    if cell is None:
        return ""
    return rf"\textbf{{{cell.value:.1f}}}" if _is_best(cell, group) else f"{cell.value:.1f}"


def _tex_interval(cell) -> str:
    return "" if cell is None else rf"\scriptsize {cell.ci_low:.1f}--{cell.ci_high:.1f}"


def _tex_paper(cell) -> str:
    if cell is None or pd.isna(cell.paper_value):
        return ""
    return rf"\scriptsize {cell.paper_value:.2f}"


def _tex(text: str) -> str:
    for sign in "&%_#":
        text = text.replace(sign, "\\" + sign)
    return text.replace("·", r"$\cdot$")
