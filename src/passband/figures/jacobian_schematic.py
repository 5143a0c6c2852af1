"""Drawing of the regularisation of Jacobians in the frequency domain."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from passband.figures import FIGURES
from passband.figures.drawing import NATURAL, TRANSFORMED, arrow, box, say
from passband.figures.notebook import Artifact
from passband.figures.style import GREY, INK, PAGE, new_figure

# Columns and rows, in the units of the axes.
IMAGE, NETWORK, LOSS, TOTAL = 1.6, 6.6, 12.2, 20.6
JACOBIAN, TRANSFORM, BIAS, PENALTY = 1.6, 6.6, 12.2, 17.0
UPPER, LOWER = 6.6, 2.2
SIDE = 9  # frequencies in the drawn spectrum
CLASSIFICATION, FREQUENCY = r"$\mathrm{L_{cls}}$", r"$\mathrm{L_{freq}}$"  # the two losses
BIAS_SYMBOL = r"$\mathrm{B_{low}}$"


@FIGURES.register("jacobian_schematic")
def jacobian_schematic(artifact: Artifact) -> Figure:
    """Drawing of the data flow of a training that regularises the spectrum of its Jacobians."""
    figure = new_figure(PAGE, 2.6, layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 24), ylim=(0, 8.7))
    axes.set_axis_off()
    _classification(axes)
    _regularisation(axes)
    box(axes, (TOTAL, UPPER), 5.0, f"{CLASSIFICATION} + λ · {FREQUENCY}", math=True)
    arrow(axes, [(LOSS + 2.1, UPPER), (TOTAL - 2.5, UPPER)])
    arrow(axes, [(PENALTY + 2.1, LOWER), (TOTAL + 1.2, LOWER), (TOTAL + 1.2, UPPER - 0.75)])
    arrow(
        axes, [(TOTAL, UPPER + 0.75), (TOTAL, 8.1), (NETWORK, 8.1), (NETWORK, UPPER + 0.75)], GREY
    )
    middle = (NETWORK + TOTAL) / 2
    say(axes, (middle, 8.4), "update of the weights, through both terms", GREY)
    return figure


def _classification(axes: Axes) -> None:
    box(axes, (IMAGE, UPPER), 2.4, "image x", NATURAL)
    box(axes, (NETWORK, UPPER), 3.4, "network f")
    box(axes, (LOSS, UPPER), 4.2, rf"{CLASSIFICATION} = −log $\mathrm{{f(x)_y}}$", math=True)
    arrow(axes, [(IMAGE + 1.2, UPPER), (NETWORK - 1.7, UPPER)], NATURAL)
    arrow(axes, [(NETWORK + 1.7, UPPER), (LOSS - 2.1, UPPER)])


def _regularisation(axes: Axes) -> None:
    """From the loss back to the image, and from the Jacobian to the penalty."""
    turn = (UPPER + LOWER) / 2 + 0.1
    way = [(LOSS, UPPER - 0.75), (LOSS, turn), (JACOBIAN, turn), (JACOBIAN, LOWER + 0.75)]
    arrow(axes, way, TRANSFORMED)
    say(axes, ((LOSS + JACOBIAN) / 2, turn + 0.35), "gradient with respect to x", TRANSFORMED)
    box(axes, (JACOBIAN, LOWER), 2.4, "Jacobian J", TRANSFORMED)
    box(axes, (TRANSFORM - 0.4, LOWER), 2.4, "|DFT|", TRANSFORMED)
    _spectrum(axes, (TRANSFORM + 2.3, LOWER))
    box(axes, (BIAS, LOWER), 2.2, BIAS_SYMBOL, TRANSFORMED, math=True)
    box(axes, (PENALTY, LOWER), 4.2, f"{FREQUENCY} = −log {BIAS_SYMBOL}", TRANSFORMED, math=True)
    arrow(axes, [(JACOBIAN + 1.2, LOWER), (TRANSFORM - 1.6, LOWER)], TRANSFORMED)
    arrow(axes, [(TRANSFORM + 0.8, LOWER), (TRANSFORM + 1.35, LOWER)], TRANSFORMED)
    arrow(axes, [(TRANSFORM + 3.25, LOWER), (BIAS - 1.1, LOWER)], TRANSFORMED)
    arrow(axes, [(BIAS + 1.1, LOWER), (PENALTY - 2.1, LOWER)], TRANSFORMED)
    text = "λ > 0 moves the spectrum to the top left, λ < 0 to the bottom right"
    say(axes, (TRANSFORM + 2.3, 0.35), text, TRANSFORMED)


def _spectrum(axes: Axes, centre: tuple[float, float]) -> None:
    """A spectrum that falls with frequency, as vector squares, low frequencies at the top left."""
    size = 1.7 / SIDE
    for row in range(SIDE):
        for column in range(SIDE):
            corner = centre[0] - 0.85 + column * size, centre[1] + 0.85 - (row + 1) * size
            strength = 1 / (1 + np.hypot(row, column) / 2)
            axes.fill_between(
                [corner[0], corner[0] + size], corner[1], corner[1] + size, color=INK,
                alpha=float(strength), lw=0,
            )  # fmt: skip
