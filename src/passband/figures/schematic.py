"""Drawing of adversarial training, of SAR and of SARWA."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from passband.figures.style import PAGE, new_figure

INK, NATURAL, ADVERSARIAL, AVERAGED = "#3c4043", "#0072b2", "#d55e00", "#7a4a9c"
WASH = {NATURAL: "#e3eff7", ADVERSARIAL: "#fbe9de", INK: "#f1f2f3", AVERAGED: "#f3edf7"}
SMALL = 6.5  # points

# Columns and rows of a panel that is 10 wide and 14 high.
LEFT, MIDDLE, RIGHT, CRITERION, LABEL = 1.9, 4.0, 6.1, 8.75, 9.25
INPUT, NETWORK, OUTPUT, TRANSFORM, DISTANCE, LOSS = 1.5, 4.2, 6.7, 8.6, 10.7, 13.0
LOGITS = (0.35, 0.8, 0.25, 0.55, 0.4)  # heights of the bars that stand for an output

Place = tuple[float, float]


def overview() -> Figure:
    """Three panels: standard adversarial training, SAR and SARWA (sar, equations 1 and 3).

    Inputs stand below, the loss above. The natural input is blue, the adversarial one orange;
    the averaged network, which no gradient reaches, has a dashed outline.
    """
    figure = new_figure(PAGE, 3.5, layout="none")
    panels = [("(a) AT", _standard), ("(b) AT + SAR", _aligned), ("(c) AT + SARWA", _averaged)]
    for place, (title, draw) in enumerate(panels):
        axes = figure.add_axes((place / 3 + 0.006, 0.0, 1 / 3 - 0.012, 0.94))
        axes.set(xlim=(0, 10), ylim=(0, 14))
        axes.set_axis_off()
        axes.set_title(title)
        draw(axes)
        if place:
            figure.add_artist(
                FancyArrowPatch(
                    *((place / 3, 0.02), (place / 3, 0.98)), arrowstyle="-", color="#d9dde2", lw=0.6
                )
            )
    return figure


def _standard(axes: Axes) -> None:
    _adversarial(axes, "loss = CE")
    _box(axes, (RIGHT, NETWORK), 3.2, "network f")


def _aligned(axes: Axes) -> None:
    _adversarial(axes, "loss = CE + λ · distance")
    _natural(axes)
    _box(axes, (MIDDLE, NETWORK), RIGHT - LEFT + 3.2, "network f, the same for both")


def _averaged(axes: Axes) -> None:
    _adversarial(axes, "loss = CE + λ · distance")
    _natural(axes)
    _box(axes, (LEFT, NETWORK), 3.2, "averaged f,\nfrozen", AVERAGED, dashed=True)
    _box(axes, (RIGHT, NETWORK), 3.2, "network f")
    _arrow(axes, [(RIGHT - 1.6, NETWORK), (LEFT + 1.6, NETWORK)], AVERAGED)
    _say(axes, (MIDDLE, NETWORK + 0.55), "WA", AVERAGED)


def _adversarial(axes: Axes, loss: str) -> None:
    """The inputs, and the way of the adversarial one to the cross-entropy and to the loss."""
    _box(axes, (LEFT, INPUT), 2.2, "x", NATURAL)
    _box(axes, (RIGHT, INPUT), 2.2, "x + δ", ADVERSARIAL)
    _arrow(axes, [(LEFT + 1.1, INPUT), (RIGHT - 1.1, INPUT)], ADVERSARIAL)
    _say(axes, (MIDDLE, INPUT + 0.5), "attack", ADVERSARIAL)
    _say(axes, (LEFT, INPUT - 1.15), "natural", NATURAL)
    _say(axes, (RIGHT, INPUT - 1.15), "adversarial", ADVERSARIAL)
    _say(axes, (LABEL, INPUT), "label", INK)
    _branch(axes, RIGHT, ADVERSARIAL)
    _say(axes, (RIGHT + 1.0, OUTPUT - 0.45), "f(x + δ)", ADVERSARIAL, "left")
    corner = CRITERION - 0.35
    _arrow(axes, [(RIGHT + 0.9, OUTPUT), (corner, OUTPUT), (corner, DISTANCE - 0.6)], ADVERSARIAL)
    _arrow(axes, [(LABEL, INPUT + 0.45), (LABEL, DISTANCE - 0.6)])
    _box(axes, (CRITERION, DISTANCE), 1.9, "CE", height=1.2)
    _box(axes, (5.0, LOSS), 9.4, loss, height=1.2)
    _arrow(axes, [(CRITERION, DISTANCE + 0.6), (CRITERION, LOSS - 0.6)])


def _natural(axes: Axes) -> None:
    """The way of the natural input, and the distance between the two spectra."""
    _branch(axes, LEFT, NATURAL)
    _say(axes, (LEFT - 1.0, OUTPUT), "f(x)", NATURAL, "right")
    inner = 1.45
    for column, colour, side in ((LEFT, NATURAL, -inner), (RIGHT, ADVERSARIAL, inner)):
        _arrow(axes, [(column, OUTPUT + 0.65), (column, TRANSFORM - 0.6)], colour)
        _box(axes, (column, TRANSFORM), 1.9, "FFT", colour, height=1.2)
        way = [(column, TRANSFORM + 0.6), (column, DISTANCE), (MIDDLE + side, DISTANCE)]
        _arrow(axes, way, colour)
    _box(axes, (MIDDLE, DISTANCE), 2 * inner, "distance", height=1.2)
    _arrow(axes, [(MIDDLE, DISTANCE + 0.6), (MIDDLE, LOSS - 0.6)])


def _branch(axes: Axes, column: float, colour: str) -> None:
    """From an input through the network to an output, which is drawn as bars."""
    _arrow(axes, [(column, INPUT + 0.75), (column, NETWORK - 0.75)], colour)
    _arrow(axes, [(column, NETWORK + 0.75), (column, OUTPUT - 0.65)], colour)
    _box(axes, (column, OUTPUT), 1.8, "", colour, height=1.3)
    for place, height in enumerate(LOGITS):
        corner = column - 0.64 + 0.27 * place, OUTPUT - 0.42
        axes.add_patch(Rectangle(corner, 0.2, height, color=colour, lw=0))


def _box(
    axes: Axes,
    centre: Place,
    width: float,
    text: str,
    colour: str = INK,
    *,
    height: float = 1.5,
    dashed: bool = False,
) -> None:
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
    axes.text(*centre, text, ha="center", va="center", color=INK, linespacing=1.15)


def _say(axes: Axes, place: Place, text: str, colour: str, side: str = "center") -> None:
    axes.text(*place, text, ha=side, va="center", color=colour, fontsize=SMALL)


def _arrow(axes: Axes, way: Sequence[Place], colour: str = INK) -> None:
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
