"""Schematic of what people and networks see in an image (hfc, figure 1)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from passband.figures import FIGURES
from passband.figures.drawing import ADVERSARIAL, INK, NATURAL, arrow, box, say
from passband.figures.filters import Shown, applied, prepared_image
from passband.figures.image_cells import draw_image
from passband.figures.notebook import Artifact
from passband.figures.style import PAGE, new_figure
from passband.options import DatasetName, FilterName, Index

WIDTH, HEIGHT = 20, 8.4  # of the drawing, in its own units
SIDE = 2.9  # of an image
IMAGE, COMPONENT, SEES, ANSWER = 2.2, 7.4, 12.6, 17.4  # columns
UPPER, LOWER = 6.3, 2.0  # rows


@FIGURES.register("disparity")
def disparity(
    artifact: Artifact,
    *,
    low: FilterName,
    high: FilterName,
    dataset: DatasetName,
    image: Index = 0,
) -> Figure:
    """Schematic of an image, its two components, and which of them people and networks use.

    Args:
        low: the filter of the low component.
        high: the filter of the high component.
        dataset: the data set of the image.
        image: index of the image in the test split.
    """
    picture = prepared_image(artifact.datasets[dataset], image)
    return draw_disparity(picture, applied(low, picture), applied(high, picture))


def draw_disparity(image: np.ndarray, low: Shown, high: Shown) -> Figure:
    """An image [C, H, W] in 0..1 and its components, with arrows to a person and a network."""
    figure = new_figure(PAGE, PAGE * HEIGHT / WIDTH, layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axes.set_axis_off()
    middle = (UPPER + LOWER) / 2
    strength = max(1, int(0.5 / max(np.abs(high.filtered).max(), 1e-6)))
    _picture(axes, (IMAGE, middle), image, "image")
    _picture(axes, (COMPONENT, UPPER), low.filtered, "low-frequency component")
    shown = 0.5 + strength * high.filtered
    scaled = f", × {strength}" if strength > 1 else ""
    _picture(axes, (COMPONENT, LOWER), shown, f"high-frequency component{scaled}")
    box(axes, (SEES, UPPER), 3.2, "a person", NATURAL)
    box(axes, (SEES, LOWER), 3.2, "a network", ADVERSARIAL)
    box(axes, (ANSWER, UPPER), 3.6, "recognises it by the\nlow frequencies", NATURAL)
    box(axes, (ANSWER, LOWER), 3.6, "learns from whatever\npredicts the label", ADVERSARIAL)
    half = SIDE / 2 + 0.15
    for row in (UPPER, LOWER):
        arrow(axes, [(IMAGE + half, middle), (COMPONENT - half, row)])
        arrow(axes, [(SEES + 1.6, row), (ANSWER - 1.8, row)])
    arrow(axes, [(COMPONENT + half, UPPER), (SEES - 1.6, UPPER)], NATURAL)
    arrow(axes, [(COMPONENT + half, UPPER - 0.5), (SEES - 1.6, LOWER + 0.4)], ADVERSARIAL)
    arrow(axes, [(COMPONENT + half, LOWER), (SEES - 1.6, LOWER)], ADVERSARIAL)
    say(axes, (SEES + 2.4, middle), "the high frequencies are barely visible", INK)
    return figure


def _picture(axes: Axes, centre: tuple[float, float], image: np.ndarray, title: str) -> None:
    corner = [value - SIDE / 2 for value in centre]
    inset = axes.inset_axes((*corner, SIDE, SIDE), transform=axes.transData)
    draw_image(inset, np.clip(image, 0, 1))
    say(axes, (centre[0], centre[1] - SIDE / 2 - 0.35), title, INK)
