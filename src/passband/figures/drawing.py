"""Boxes, words and arrows of the drawings that explain a method."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from passband.figures.style import ATTACK, GREY, INK, PAGE, SMALLEST, new_figure

NATURAL, ADVERSARIAL, TRANSFORMED = GREY, ATTACK, "#7a4a9c"
WASH = {NATURAL: "#e4e6e9", ADVERSARIAL: "#fbe9de", INK: "#ffffff", TRANSFORMED: "#f3edf7"}

Place = tuple[float, float]


def three_panels(titles: Sequence[str], height: float) -> tuple[Figure, list[Axes]]:
    """A figure as wide as a page with three panels, 10 wide and 14 high in their own units."""
    figure = new_figure(PAGE, height, layout="none")
    panels = []
    for place, title in enumerate(titles):
        axes = figure.add_axes((place / 3 + 0.006, 0.0, 1 / 3 - 0.012, 0.94))
        axes.set(xlim=(0, 10), ylim=(0, 14))
        axes.set_axis_off()
        axes.set_title(title)
        panels.append(axes)
        if place:
            ends = (place / 3, 0.02), (place / 3, 0.98)
            figure.add_artist(FancyArrowPatch(*ends, arrowstyle="-", color="#d9dde2", lw=0.6))
    return figure, panels


def box(
    axes: Axes,
    centre: Place,
    width: float,
    text: str,
    colour: str = INK,
    *,
    height: float = 1.5,
    dashed: bool = False,
    math: bool = False,
) -> None:
    """A rounded box with text in its middle; `width` and `height` in the units of the axes.

    `math` sets what stands between dollars as a formula.
    """
    corner = centre[0] - width / 2, centre[1] - height / 2
    axes.add_patch(
        FancyBboxPatch(
            *(corner, width, height),
            boxstyle="round,pad=0,rounding_size=0.22",
            fc=WASH[colour],
            ec=colour,
            lw=0.9,
            ls=(0, (3, 2)) if dashed else "-",
        )
    )
    looks = {"ha": "center", "va": "center", "color": INK, "linespacing": 1.15}
    axes.text(*centre, text, parse_math=math, **looks)


def say(axes: Axes, place: Place, text: str, colour: str, side: str = "center") -> None:
    """Small text at a place, which is its middle or the end that `side` names."""
    axes.text(*place, text, ha=side, va="center", color=colour, fontsize=SMALLEST)


def arrow(axes: Axes, way: Sequence[Place], colour: str = INK) -> None:
    """An arrow along straight lines from the first to the last place."""
    *corners, end = way
    axes.plot(*zip(*corners, strict=True), color=colour, lw=0.9, solid_joinstyle="miter")
    axes.add_patch(
        FancyArrowPatch(
            *(corners[-1], end),
            arrowstyle="-|>,head_length=3,head_width=1.7",
            color=colour,
            lw=0.9,
            shrinkA=0,
            shrinkB=0,
        )
    )
