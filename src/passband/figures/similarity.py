"""Similarity of the layers of a network, side by side for several networks."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from passband.figures import FIGURES
from passband.figures.load import first_seeds, probe_arrays, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.planes import enlarged
from passband.figures.style import PAGE, new_figure
from passband.options import Name

COLOURS = "magma"
WHOLE = ["dataset_title", "architecture", "paper_architecture", "method"]


class Panel(NamedTuple):
    """CKA [L, L] of a network, the mean between its shallow and deep layers, and its name."""

    title: str
    cka: np.ndarray
    shallow_deep: float
    clean: float | None  # accuracy in percent, where it was measured


@FIGURES.register("layer_similarity")
def layer_similarity(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="layer_similarity")],
    attacked: Annotated[str, Name("probe", of="attack")] | None = None,
) -> Figure:
    """CKA between the layers of each network (first seed, unbiased estimator).

    Args:
        probe: the probe that measured the similarity.
        attacked: an attack, whose measurement provides the clean accuracy for the panel titles; not
            shown if left out.
    """
    return draw_similarity(read_similarity(artifact, probe, attacked))


def read_similarity(artifact: Artifact, probe: str, attacked: str | None) -> list[Panel]:
    """What was found of each network, named after the networks where these differ, else after the
    methods."""
    entries = first_seeds(artifact.models, WHOLE).values()
    several = len({entry["architecture"] for entry in entries}) > 1
    looks = artifact.looks(entry["method"] for entry in entries)
    panels = []
    for entry in entries:
        found = read_measurements([entry], probe, "shallow_deep_cka")
        unbiased = found.query("estimator == 'unbiased'")["value"].item()
        clean = None
        if attacked:
            rows = read_measurements([entry], attacked)
            clean = rows.query("attack == 'none'")["value"].item()
        name = entry["architecture_title"] if several else looks[entry["method"]].label
        panels.append(Panel(name, probe_arrays(entry, probe)["cka"], float(unbiased), clean))
    return panels


def draw_similarity(panels: Sequence[Panel]) -> Figure:
    """CKA by layer and layer, one panel per network, one colour scale from 0 to 1.

    Lines mark the first and the last third of the layers; their mean similarity, which the titles
    give, is that of the outlined squares.
    """
    width = min(PAGE, 0.8 + 2.1 * len(panels))
    side = (width - 0.8) / len(panels)
    figure = new_figure(width, side + 0.85, layout="compressed")
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, panel in zip(grid, panels, strict=True):
        image = _draw(axes, panel.cka)
        words = [panel.title, f"shallow–deep CKA {panel.shallow_deep:.2f}"]
        words += [] if panel.clean is None else [f"clean accuracy {panel.clean:.1f} %"]
        axes.set_title("\n".join(words), fontsize=8)
        axes.set_xlabel("layer")
    grid[0].set_ylabel("layer")
    figure.colorbar(image, ax=list(grid), label="linear CKA", shrink=0.9, aspect=22)
    return figure


def _draw(axes: Axes, cka: np.ndarray) -> object:
    count = len(cka)
    third = max(1, count // 3)
    constant = "#9aa0a6"  # a layer whose output is the same for all images
    colours = colormaps[COLOURS].with_extremes(bad=constant)
    image = axes.imshow(
        enlarged(cka), norm=Normalize(0, 1), cmap=colours, origin="lower",
        extent=(0.5, count + 0.5, 0.5, count + 0.5),
    )  # fmt: skip
    inset = count / 80  # so that the lines stay within the panel
    deep, size = count - third + 0.5, third - 2 * inset
    for column, row in ((0.5, deep), (deep, 0.5)):
        corner = column + inset, row + inset
        axes.add_patch(Rectangle(corner, size, size, fill=False, ec="white", ls=(0, (3, 1.5))))
    ticks = sorted({1, third, count - third + 1, count})
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    axes.grid(False)
    return image
