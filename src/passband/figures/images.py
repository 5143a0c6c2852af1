"""Rows of example images: clean, attacked, their perturbations, filtered."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from passband.figures import FIGURES
from passband.figures.image_cells import (
    Examples,
    Units,
    below,
    by_dataset,
    draw_image,
    draw_signed,
    predictions,
    read_examples,
    shown_labels,
    signed_bar,
)
from passband.figures.notebook import Artifact
from passband.figures.style import PAGE, Look, new_figure, wrapped
from passband.options import Name, Span


@FIGURES.register("image_rows")
def image_rows(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="example_images")],
    images: Span,
) -> Figure:
    """Clean and attacked images, perturbations in units of epsilon, and low-pass filtered images.

    Args:
        probe: the probe that stored the images.
        images: two indices: the first image to show, and the one after the last; where the probe
            stored fewer images, they are counted from its first one again.
    """
    return draw_image_rows(*read_examples(artifact, probe, images))


class Row(NamedTuple):
    """A row of images [N, C, H, W], what is left of it and below each; signed: -1 to 1, not an
    image."""

    title: str
    images: np.ndarray
    captions: Sequence[tuple[str, bool | None]] | None = None
    signed: bool = False


def draw_image_rows(
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
    looks: Mapping[str, Look],
    shown: slice,
    units: Units,
) -> Figure:
    """Rows of images per data set: as they are, per method attacked and the perturbation alone,
    low-pass filtered.

    Args:
        examples: (dataset title, method) to arrays of the probe.
        metadata: dataset title to metadata of the probe (classes, bandwidth).
        looks: method to look.
        shown: which of the images.
        units: of the perturbations.

    Raises:
        UserError: there are no such images.
    """
    rows: list[Row] = []
    for dataset, methods in by_dataset(examples).items():
        first = examples[dataset, methods[0]]
        names = metadata[dataset]["classes"]
        labels = shown_labels(first, shown)
        captions = [(names[i], None) for i in labels]
        rows.append(Row(f"{wrapped(dataset, 16)}\nx", first["images"][shown], captions))
        for method in methods:
            arrays = examples[dataset, method]
            model = wrapped(looks[method].model, 16)
            attacked = (arrays["images"] + arrays["perturbation"])[shown]
            predicted = predictions(arrays["predicted_adversarial"][shown], labels, names)
            rows.append(Row(f"{model}\nx + δ", attacked, predicted))
            rows.append(Row("δ", arrays["perturbation"][shown] / units.one, signed=True))
        size = metadata[dataset]["bandwidth"]
        rows.append(Row(f"low-pass x\nk = {size}", first["filtered"][shown]))
    return _draw_rows(rows, units)


def _draw_rows(rows: Sequence[Row], units: Units) -> Figure:
    count = len(rows[0].images)
    cell = min(0.95, (PAGE - 1.05) / count)
    labelled = sum(row.captions is not None for row in rows)
    height = cell * len(rows) + 0.19 * labelled + 0.6
    figure = new_figure(cell * count + 1.0, height, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    grid = figure.subplots(len(rows), count, squeeze=False)
    for panels, row in zip(grid, rows, strict=True):
        panels[0].set_ylabel(row.title, rotation=0, ha="right", va="center")
        for index, (axes, image) in enumerate(zip(panels, row.images, strict=True)):
            if row.signed:
                signed = draw_signed(axes, image)
            else:
                draw_image(axes, image)
            if row.captions is not None:
                below(axes, *row.captions[index])
    signed_bar(figure, signed, grid, rows[0].images[0], units)
    return figure
