"""Drawing of adversarial training and of spectral alignment."""

from collections.abc import Sequence
from typing import Annotated

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from passband.figures import FIGURES
from passband.figures.drawing import (
    ADVERSARIAL,
    INK,
    NATURAL,
    TRANSFORMED,
    arrow,
    box,
    say,
    three_panels,
)
from passband.figures.notebook import Artifact
from passband.options import Length

# Columns and rows of a panel.
LEFT, MIDDLE, RIGHT, CRITERION, LABEL = 1.9, 4.0, 6.1, 8.75, 9.25
INPUT, NETWORK, OUTPUT, TRANSFORM, DISTANCE, LOSS = 1.5, 4.2, 6.7, 8.6, 10.7, 13.0
LOGITS = (0.35, 0.8, 0.25, 0.55, 0.4)  # heights of the bars that stand for an output


@FIGURES.register("schematic")
def schematic(artifact: Artifact, *, titles: Annotated[list[str], Length(3)]) -> Figure:
    """Drawing of adversarial training, alone and with two spectral alignments.

    Args:
        titles: titles of the three panels: adversarial training, alignment with the network itself,
            and alignment with the averaged network.
    """
    return draw_alignment(titles)


def draw_alignment(titles: Sequence[str]) -> Figure:
    """Three panels with the inputs below and the loss above.

    The natural input is grey, the adversarial one orange; the averaged network, which no gradient
    reaches, has a dashed outline. (Huang et al. 2023, equations 1 and 3.)
    """
    figure, panels = three_panels(titles, 3.5)
    for axes, draw in zip(panels, (_standard, _aligned, _averaged), strict=True):
        draw(axes)
    return figure


def _standard(axes: Axes) -> None:
    _adversarial(axes, "loss = CE")
    box(axes, (RIGHT, NETWORK), 3.2, "network f")


def _aligned(axes: Axes) -> None:
    _adversarial(axes, "loss = CE + λ · distance")
    _natural(axes)
    box(axes, (MIDDLE, NETWORK), RIGHT - LEFT + 3.2, "network f, the same for both")


def _averaged(axes: Axes) -> None:
    _adversarial(axes, "loss = CE + λ · distance")
    _natural(axes)
    box(axes, (LEFT, NETWORK), 3.2, "averaged f,\nfrozen", TRANSFORMED, dashed=True)
    box(axes, (RIGHT, NETWORK), 3.2, "network f")
    arrow(axes, [(RIGHT - 1.6, NETWORK), (LEFT + 1.6, NETWORK)], TRANSFORMED)
    say(axes, (MIDDLE, NETWORK + 0.55), "WA", TRANSFORMED)


def _adversarial(axes: Axes, loss: str) -> None:
    """The inputs, and the way of the adversarial one to the cross-entropy and to the loss."""
    box(axes, (LEFT, INPUT), 2.2, "x", NATURAL)
    box(axes, (RIGHT, INPUT), 2.2, "x + δ", ADVERSARIAL)
    arrow(axes, [(LEFT + 1.1, INPUT), (RIGHT - 1.1, INPUT)], ADVERSARIAL)
    say(axes, (MIDDLE, INPUT + 0.5), "attack", ADVERSARIAL)
    say(axes, (LEFT, INPUT - 1.15), "natural", NATURAL)
    say(axes, (RIGHT, INPUT - 1.15), "adversarial", ADVERSARIAL)
    say(axes, (LABEL, INPUT), "label", INK)
    _branch(axes, RIGHT, ADVERSARIAL)
    say(axes, (RIGHT + 1.0, OUTPUT - 0.45), "f(x + δ)", ADVERSARIAL, "left")
    corner = CRITERION - 0.35
    arrow(axes, [(RIGHT + 0.9, OUTPUT), (corner, OUTPUT), (corner, DISTANCE - 0.6)], ADVERSARIAL)
    arrow(axes, [(LABEL, INPUT + 0.45), (LABEL, DISTANCE - 0.6)])
    box(axes, (CRITERION, DISTANCE), 1.9, "CE", height=1.2)
    box(axes, (5.0, LOSS), 9.4, loss, height=1.2)
    arrow(axes, [(CRITERION, DISTANCE + 0.6), (CRITERION, LOSS - 0.6)])


def _natural(axes: Axes) -> None:
    """The way of the natural input, and the distance between the two spectra."""
    _branch(axes, LEFT, NATURAL)
    say(axes, (LEFT - 1.0, OUTPUT), "f(x)", NATURAL, "right")
    inner = 1.45
    for column, colour, side in ((LEFT, NATURAL, -inner), (RIGHT, ADVERSARIAL, inner)):
        arrow(axes, [(column, OUTPUT + 0.65), (column, TRANSFORM - 0.6)], colour)
        box(axes, (column, TRANSFORM), 1.9, "FFT", colour, height=1.2)
        way = [(column, TRANSFORM + 0.6), (column, DISTANCE), (MIDDLE + side, DISTANCE)]
        arrow(axes, way, colour)
    box(axes, (MIDDLE, DISTANCE), 2 * inner, "distance", height=1.2)
    arrow(axes, [(MIDDLE, DISTANCE + 0.6), (MIDDLE, LOSS - 0.6)])


def _branch(axes: Axes, column: float, colour: str) -> None:
    """From an input through the network to an output, which is drawn as bars."""
    arrow(axes, [(column, INPUT + 0.75), (column, NETWORK - 0.75)], colour)
    arrow(axes, [(column, NETWORK + 0.75), (column, OUTPUT - 0.65)], colour)
    box(axes, (column, OUTPUT), 1.8, "", colour, height=1.3)
    for place, height in enumerate(LOGITS):
        corner = column - 0.64 + 0.27 * place, OUTPUT - 0.42
        axes.add_patch(Rectangle(corner, 0.2, height, color=colour, lw=0))
