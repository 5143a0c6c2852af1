"""Similarity of the layers of a network, side by side for several networks."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from passband.figures import FIGURES
from passband.figures.lines import stated
from passband.figures.load import first_seeds, probe_arrays, probe_metadata, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import PAGE, SIMILARITIES, new_figure, wrapped
from passband.intervals.accuracies import wilson
from passband.intervals.estimates import Interval, sample_interval
from passband.options import Name

MOST_NAMES = 14  # of layers, beside a panel
WHOLE = ["dataset_title", "architecture", "paper_architecture", "method"]


class Panel(NamedTuple):
    """CKA [L, L] of a network, its layers, the mean between its shallow and deep layers, and its
    name."""

    title: str
    cka: np.ndarray
    layers: list[str]
    shallow_deep: Interval  # over batches of images
    clean: Interval | None  # accuracy in percent, where it was measured


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
        arrays = probe_arrays(entry, probe)
        batches = sample_interval([arrays["shallow_deep_by_batch"]])
        clean = None
        if attacked:
            rows = read_measurements([entry], attacked).query("attack == 'none'")
            percent, count = rows["value"].item(), rows["n_images"].item()
            clean = Interval(percent, *wilson(percent, count), count)
        name = entry["architecture_title"] if several else looks[entry["method"]].label
        layers = probe_metadata(entry, probe)["layers"]
        low, high = max(batches.low, -1.0), min(batches.high, 1.0)
        shallow_deep = Interval(float(unbiased), low, high, batches.n)
        panels.append(Panel(name, arrays["cka"], layers, shallow_deep, clean))
    return panels


def draw_similarity(panels: Sequence[Panel]) -> Figure:
    """CKA by layer and layer, one panel per network, one colour scale from 0 to 1.

    Lines mark the first and the last third of the layers; their mean similarity, which the titles
    give, is that of the outlined squares.
    """
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = new_figure(PAGE, 3.15 * rows, layout="compressed")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid.flat, panels, strict=False):
        image = _draw(axes, panel)
        words = [wrapped(panel.title, 44), f"shallow–deep CKA {stated(panel.shallow_deep, '.2f')}"]
        words += [] if panel.clean is None else [f"clean accuracy {stated(panel.clean, '.1f')} %"]
        axes.set_title("\n".join(words))
    figure.colorbar(image, ax=grid, label="linear CKA", shrink=0.8, aspect=26)
    return figure


def _draw(axes: Axes, panel: Panel) -> QuadMesh:
    import seaborn

    count = len(panel.cka)
    third = max(1, count // 3)
    named = named_layers(count, third)
    constant = "#9aa0a6"  # a layer whose output is the same for all images
    colours = colormaps[SIMILARITIES].with_extremes(bad=constant)
    seaborn.heatmap(
        panel.cka, vmin=0, vmax=1, cmap=colours, cbar=False, square=True, rasterized=True, ax=axes
    )
    axes.invert_yaxis()
    inset = count / 80  # so that the lines stay within the panel
    deep, size = count - third, third - 2 * inset
    for column, row in ((0, deep), (deep, 0)):
        corner = column + inset, row + inset
        axes.add_patch(Rectangle(corner, size, size, fill=False, ec="white", ls=(0, (3, 1.5))))
    middles = [layer - 0.5 for layer in named]
    axes.set_xticks(middles, [str(layer) for layer in named], rotation=0)
    names = [f"{panel.layers[layer - 1]}  {layer}" for layer in named]
    axes.set_yticks(middles, names, rotation=0)
    axes.set_xlabel("layer")
    axes.grid(False)
    return axes.collections[0]


def named_layers(count: int, third: int) -> list[int]:
    """The layers from 1 to `count` whose names there is room for, the ends of the thirds among
    them.

    >>> named_layers(8, 2), named_layers(26, 8)
    ([1, 2, 3, 4, 5, 6, 7, 8], [1, 4, 8, 13, 19, 22, 26])
    """
    if count <= MOST_NAMES:
        return list(range(1, count + 1))
    ends = [1, third, count - third + 1, count]
    between = [(first + last) // 2 for first, last in pairwise(ends)]
    return sorted({*ends, *between})
