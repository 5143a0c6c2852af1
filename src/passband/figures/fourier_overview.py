"""Drawing of a model, data augmentation and architectures in the frequency domain."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from passband.figures import FIGURES
from passband.figures.drawing import (
    ADVERSARIAL,
    INK,
    NATURAL,
    TRANSFORMED,
    Place,
    arrow,
    box,
    say,
    three_panels,
)
from passband.figures.notebook import Artifact
from passband.figures.style import MAGNITUDES, SIGNED, SIMILARITIES
from passband.options import Length

PICTURE = "Greys"
ICON = 2.1  # width and height of a picture

# Columns and rows of the panels.
BEFORE, AFTER, WORDS = 1.6, 5.0, 6.45
INPUTS, KERNELS, ACTIVATIONS = 11.2, 6.8, 2.4


@FIGURES.register("fourier_overview")
def fourier_overview(artifact: Artifact, *, networks: Annotated[list[str], Length(4)]) -> Figure:
    """Drawing of three analyses of robustness in the frequency domain.

    Args:
        networks: names of the four networks of the third panel.
    """
    return draw_overview(networks)


def draw_overview(networks: Sequence[str]) -> Figure:
    """Three panels: explain robustness, interpret augmentation, analyse architectures.

    Natural images are grey, the attack is orange, the transformation of the weights purple.
    (Huang et al. 2022, figure 1 and section 1.)
    """
    titles = ["(a) robustness of a model", "(b) data augmentation", "(c) network architectures"]
    figure, panels = three_panels(titles, 3.5)
    for axes, draw in zip(
        panels, (_model, _augmentation, partial(_architectures, networks)), strict=True
    ):
        axes.set_aspect("equal")
        draw(axes)
    return figure


def _model(axes: Axes) -> None:
    """Inputs, kernels and activations, and what they become in the frequency domain."""
    for row, name in ((INPUTS, "inputs"), (KERNELS, "kernels"), (ACTIVATIONS, "activations")):
        say(axes, (BEFORE, row + 1.75), name, INK)
        arrow(axes, [(BEFORE + 1.35, row), (AFTER - 1.35, row)])
        say(
            axes,
            ((BEFORE + AFTER) / 2, row + 0.45),
            "split" if row == ACTIVATIONS else "DFT",
            INK,
        )
    _cells(axes, (BEFORE, INPUTS), _blob(6), PICTURE)
    _cells(axes, (AFTER, INPUTS), _falling(7), MAGNITUDES)
    say(axes, (WORDS, INPUTS), "clean, attacked,\ntheir difference;\nlow-pass filters", INK, "left")
    _cells(
        axes,
        (BEFORE, KERNELS),
        np.array([[0.8, 0.6, 0.3], [0.7, 0.5, 0.3], [0.4, 0.3, 0.15]]),
        SIGNED,
    )
    _bars(axes, (AFTER, KERNELS), (1, 0.7, 0.45, 0.25, 0.25, 0.45, 0.7, 1))
    say(axes, (AFTER, KERNELS - 1.4), "low – high – low", INK)
    say(axes, (WORDS, KERNELS), "how smooth, and\nhow much is in\nhigh frequencies", INK, "left")
    for shift in (0.35, 0, -0.35):
        place = BEFORE + shift, ACTIVATIONS + shift
        axes.add_patch(_square(place, 1.5, "#ffffff", INK))
    _cells(axes, (BEFORE - 0.35, ACTIVATIONS - 0.35), _blob(4), PICTURE, 1.5)
    _bars(axes, (AFTER, ACTIVATIONS), (1, 0.3), ("mean", "rest"))
    say(
        axes, (WORDS, ACTIVATIONS), "ratio of low to\nhigh frequencies;\nCKA of layers", INK, "left"
    )


def _augmentation(axes: Axes) -> None:
    """Three ways to mix images, and their place before or after the attack."""
    first, second = _blob(6), _blob(6)[::-1, ::-1]
    cut, pasted = first.copy(), first.copy()
    cut[2:5, 1:4] = 0
    pasted[2:5, 1:4] = second[2:5, 1:4]
    pictures = (first + second) / 2, cut, pasted
    for column, picture, name in zip(
        (1.8, 5.0, 8.2), pictures, ("mixup", "cutout", "cutmix"), strict=True
    ):
        _cells(axes, (column, 11.9), picture, PICTURE)
        say(axes, (column, 10.35), name, INK)
    for row, name, steps in (
        (8.1, "C-", ("augment", "attack")),
        (5.9, "A-", ("attack", "augment")),
    ):
        say(axes, (0.45, row), name, INK)
        box(axes, (1.65, row), 1.2, "x", NATURAL, height=1.3)
        for left, step in zip((2.25, 5.9), steps, strict=True):
            colour = ADVERSARIAL if step == "attack" else INK
            arrow(axes, [(left, row), (left + 0.85, row)])
            box(axes, (left + 2.25, row), 2.8, step, colour, height=1.3)
    axes.add_patch(_frame((0.05, 4.95), 9.9, 4.1))
    say(axes, (5.0, 7.0), "which of them first?", INK)
    arrow(axes, [(5.0, 4.95), (5.0, 4.1)])
    box(axes, (5.0, 3.4), 7.4, "adversarial training", height=1.3)
    arrow(axes, [(5.0, 2.75), (5.0, 1.75)])
    say(axes, (5.0, 1.2), "accuracy on clean images\nand under six attacks", INK)


def _architectures(networks: Sequence[str], axes: Axes) -> None:
    """Four networks and the similarity of their layers; the way of the weights to few bits."""
    axes.add_patch(_frame((0.1, 9.75), 9.8, 4.0))
    say(axes, (5.0, 13.35), "full precision", INK)
    places = [(column, row) for row in (12.3, 10.7) for column in (2.6, 7.4)]
    for place, name in zip(places, networks, strict=True):
        box(axes, place, 4.4, name, height=1.2)
    arrow(axes, [(2.6, 9.75), (2.6, 8.85)])
    _cells(axes, (2.6, 7.75), _banded(6), SIMILARITIES)
    say(axes, (4.0, 7.75), "CKA of shallow and deep\nlayers, and accuracy", INK, "left")
    axes.plot([0.2, 9.8], [6.2, 6.2], color="#d9dde2", lw=0.6)
    say(axes, (5.0, 5.6), "few bits", INK)
    axes.add_patch(_frame((1.62, 2.2), 6.05, 2.75, TRANSFORMED))
    box(axes, (0.7, 4.1), 1.1, "w", height=1.2)
    box(axes, (2.55, 4.1), 1.35, "FFT", TRANSFORMED, height=1.2)
    box(axes, (4.55, 4.1), 1.6, "mask", TRANSFORMED, height=1.2)
    box(axes, (6.65, 4.1), 1.5, "IFFT", TRANSFORMED, height=1.2)
    box(axes, (9.05, 4.1), 1.65, "n bits", height=1.2)
    for start, end in ((1.25, 1.87), (3.23, 3.75), (5.35, 5.9), (7.4, 8.22)):
        arrow(axes, [(start, 4.1), (end, 4.1)])
    say(axes, (4.65, 2.85), "frequency-aware\ntransformation (FAT)", TRANSFORMED)
    say(axes, (5.0, 1.2), "accuracy and kernels, with and without FAT", INK)


def _cells(axes: Axes, centre: Place, values: np.ndarray, colours: str, size: float = ICON) -> None:
    """A picture of square cells from values [n, n] in 0..1."""
    palette, side = colormaps[colours], size / len(values)
    for row, line in enumerate(values):
        for column, value in enumerate(line):
            corner = centre[0] - size / 2 + column * side, centre[1] + size / 2 - (row + 1) * side
            colour = palette(float(value))
            axes.add_patch(Rectangle(corner, side, side, fc=colour, ec=colour, lw=0.2))
    axes.add_patch(_square(centre, size, "none", INK))


def _bars(
    axes: Axes, centre: Place, heights: tuple[float, ...], names: tuple[str, ...] = ()
) -> None:
    """Bars of heights in 0..1 on a line, with names below."""
    step = ICON / len(heights)
    left, foot = centre[0] - ICON / 2, centre[1] - ICON / 2
    for place, height in enumerate(heights):
        corner = left + (place + 0.15) * step, foot
        axes.add_patch(Rectangle(corner, 0.7 * step, ICON * height, color=NATURAL, lw=0))
    axes.plot([left, left + ICON], [foot, foot], color=INK, lw=0.8)
    for place, name in enumerate(names):
        say(axes, (left + (place + 0.5) * step, foot - 0.4), name, INK)


def _frame(corner: Place, width: float, height: float, colour: str = "#9aa0a6") -> Rectangle:
    return Rectangle(corner, width, height, fill=False, ec=colour, lw=0.8, ls=(0, (3, 2)))


def _square(centre: Place, size: float, face: str, edge: str) -> Rectangle:
    corner = centre[0] - size / 2, centre[1] - size / 2
    return Rectangle(corner, size, size, fc=face, ec=edge, lw=0.7)


def _blob(side: int) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / (side - 1)
    return 0.1 + 0.75 * np.exp(-6 * ((rows - 0.35) ** 2 + (columns - 0.4) ** 2))


def _falling(side: int) -> np.ndarray:
    away = np.abs(np.mgrid[:side, :side] - side // 2)
    return np.exp(-0.55 * np.hypot(*away))


def _banded(side: int) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.exp(-0.35 * np.abs(rows - columns))
