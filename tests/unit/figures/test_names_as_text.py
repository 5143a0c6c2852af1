"""Names from config are text in figures and tables, whatever they look like."""

import html
import io
import re
import shutil
import subprocess

import pandas as pd
import pytest

from passband.figures.save import save_figure
from passband.figures.style import new_figure
from passband.figures.table_files import write_table
from passband.figures.tables import Heading, Layout, Table
from passband.figures.tex import SIGNS, tex

NAMES = [
    "costs $5 or $6^",
    r"\alpha_{x} \\ % no comment",
    "<b>bold</b> & [3] * `x` --- \"quoted\" 'so' ~ |",
    "Größe ε ≤ ½ · λ‡",
    "NA",
    "1e5",
    "a,b;c",
]


@pytest.fixture
def table(tmp_path):
    cells = pd.DataFrame(
        {
            "group": NAMES[0],
            "row": NAMES,
            "column": NAMES[2],
            "value": 50.0,
            "ci_low": 40.0,
            "ci_high": 60.0,
            "paper_value": 51.0,
            "paper_printed": "51 <1%",
            "difference": -1.0,
            "unit": "percent",
            "format": ".1f",
            "n_images": 50,
            "seeds": 2,
            "right": 50,
            "rank": "",
            "beside": NAMES,
            "beside_value": 51.0,
        }
    )
    layout = Layout(
        group=["group"],
        heads=("Data set", "Method"),
        heading=lambda group: Heading(group["group"].iloc[0], [NAMES[1]], [NAMES[2]]),
        counts=True,
    )
    outputs = {ending: tmp_path / f"table.{ending}" for ending in ("csv", "html", "tex")}
    write_table(Table(cells, layout, notes=NAMES), outputs, mark=NAMES[0])
    return outputs


def test_text_in_figures(tmp_path):
    figure = new_figure(3, 3)
    axes = figure.subplots()
    for place, name in enumerate(NAMES):
        axes.plot([0, 1], [place, place], label=name)
    axes.set_title(NAMES[0])
    axes.set_xticks([0, 1], NAMES[1:3])
    axes.legend()
    save_figure(figure, {"svg": tmp_path / "a.svg", "pdf": tmp_path / "a.pdf"}, NAMES[0])
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    shown = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]
    assert all(name in shown for name in NAMES)


def test_text_in_html_tables(table):
    page = table["html"].read_text(encoding="utf-8")
    assert "<b>" not in page
    assert all(html.escape(name) in page for name in NAMES)
    assert "51 &lt;1%" in page
    assert '<span class="value">50 of 2 × 50</span>' in page
    assert f"{html.escape(NAMES[0])} on the same 50: 51 of 2 × 50" in page


def test_text_in_csv_tables(table):
    written = pd.read_csv(io.StringIO(table["csv"].read_text(encoding="utf-8")), na_filter=False)
    assert list(written["row"].astype(str)) == NAMES


def test_no_sign_of_a_name_is_left_to_tex():
    written = tex("".join(NAMES))
    for known in sorted(SIGNS.values(), key=len, reverse=True):
        written = written.replace(known, "")
    assert not re.search(r"[\\$%&#_^~]", written)
    assert tex("a---b") == "a-{}-{}-b" and tex("two\nlines") == "two lines"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_tex_tables_compile(table, tmp_path):
    document = (
        r"\documentclass{article}\usepackage{booktabs}\usepackage[T1]{fontenc}"
        rf"\begin{{document}}\input{{{table['tex'].name}}}\end{{document}}"
    )
    (tmp_path / "document.tex").write_text(document)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "document.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
