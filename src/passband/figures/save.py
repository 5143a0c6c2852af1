"""Write a finished figure as SVG, PDF and PNG."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from passband.figures.style import GREY
from passband.files import replacing

PNG_DPI = 180
FOOTER = 0.17  # inches kept free for the mark of the scale
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}


def save_figure(figure: Figure, outputs: Mapping[str, str | Path], mark: str = "") -> None:
    """Write `figure` to the paths of `outputs` (keys svg, pdf, png), each atomically.

    `mark` names the scale in a footer; an empty mark leaves none. The same figure gives the same
    bytes on every run: text stays text, identifiers are salted, no file carries a date.
    """
    if mark:
        _footer(figure, mark)
    for kind, path in outputs.items():
        with replacing(path) as part:
            figure.savefig(part, format=kind, dpi=PNG_DPI, metadata=UNDATED[kind])


def _footer(figure: Figure, mark: str) -> None:
    share = FOOTER / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))
    figure.text(
        1 - 0.04 / figure.get_figwidth(),
        0.04 / figure.get_figheight(),
        mark,
        fontsize=6,
        color=GREY,
        ha="right",
        va="bottom",
    )
