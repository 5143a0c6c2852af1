"""Write a finished figure as SVG, PDF and PNG."""

import base64
import html
import io
import re
from collections.abc import Mapping
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont

from passband.figures.style import GREY, SMALLEST, apply_look
from passband.files import replacing

PNG_DPI = 300
MARGIN = 0.04  # inches around what is drawn
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


def save_figure(figure: Figure, outputs: Mapping[str, str | Path], mark: str = "") -> None:
    """Write `figure`, trimmed, to the paths of `outputs` (keys svg, pdf, png), each atomically.

    `mark` names the scale in a footer; an empty mark leaves none. The same figure gives the same
    bytes on every run: text stays text, its font is embedded, identifiers are salted, no file
    carries a date.
    """
    apply_look()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    if mark:
        drawn = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        corner = drawn.x1 / width, (drawn.y0 - 0.08) / height
        figure.text(*corner, mark, fontsize=SMALLEST, color=GREY, ha="right", va="top")
    for kind, path in outputs.items():
        with replacing(path) as part:
            figure.savefig(
                part,
                format=kind,
                dpi=PNG_DPI,
                metadata=UNDATED[kind],
                bbox_inches="tight",
                pad_inches=MARGIN,
            )
            if kind == "svg":
                Path(part).write_text(
                    with_font(Path(part).read_text(encoding="utf-8")), encoding="utf-8"
                )


def with_font(svg: str) -> str:
    """An SVG file of matplotlib's with the glyphs that its words need, so that it looks the same
    where the font is not installed."""
    from fontTools import subset

    texts = re.findall(r"<text[^>]*>(.*?)</text>", svg, re.DOTALL)  # formulas hold <tspan>
    words = set(html.unescape(re.sub(r"<[^>]*>|\n", "", "".join(texts))))
    if not words:
        return svg
    family = matplotlib.rcParams["font.sans-serif"][0]
    options = subset.Options(flavor="woff", layout_features=["kern"], hinting=False)
    options.drop_tables += ["FFTM"]  # a date
    font = subset.load_font(findfont(family, fallback_to_default=False), options)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=[ord(letter) for letter in words])
    chosen.subset(font)
    subset.save_font(font, file := io.BytesIO(), options)
    data = base64.b64encode(file.getvalue()).decode()
    face = f"@font-face{{font-family:'{family}';src:url(data:font/woff;base64,{data})}}"
    return svg.replace("</style>", face + "</style>", 1)
