"""Write a finished figure as SVG, PDF and PNG."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from passband.figures.style import GREY, apply_look
from passband.files import replacing

PNG_DPI = 180
MARGIN = 0.04  # inches around what is drawn
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


def save_figure(figure: Figure, outputs: Mapping[str, str | Path], mark: str = "") -> None:
    """Write `figure`, trimmed, to the paths of `outputs` (keys svg, pdf, png), each atomically.

    `mark` names the scale in a footer; an empty mark leaves none. The same figure gives the same
    bytes on every run: text stays text, identifiers are salted, no file carries a date.
    """
    apply_look()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    if mark:
        drawn = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        corner = drawn.x1 / width, (drawn.y0 - 0.08) / height
        figure.text(*corner, mark, fontsize=6, color=GREY, ha="right", va="top")
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
