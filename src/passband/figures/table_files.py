"""Write a finished table as CSV, HTML and LaTeX."""

from collections.abc import Mapping
from pathlib import Path

from passband.figures.table_html import to_html
from passband.figures.table_tex import to_latex
from passband.figures.tables import Table, numbers_of
from passband.files import write_text


def write_table(table: Table, outputs: Mapping[str, str | Path], mark: str = "") -> None:
    """Write a table to the paths of `outputs`: csv, html and tex; see `to_html`."""
    cells = numbers_of(table.cells).drop(columns="format").round(4)
    write_text(outputs["csv"], cells.to_csv(index=False))
    write_text(outputs["html"], to_html(table, mark))
    write_text(outputs["tex"], to_latex(table, mark))
