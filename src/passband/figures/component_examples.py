"""Images that a network classifies correctly from their high component alone."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Annotated, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from passband.figures import FIGURES
from passband.figures.image_cells import bare, below, draw_image, predictions
from passband.figures.load import first_seeds, probe_arrays, probe_metadata, split_condition
from passband.figures.notebook import Artifact
from passband.figures.style import INTERVALS, PAGE, Look, new_figure, wrapped
from passband.intervals.accuracies import wilson
from passband.options import FilterName, Name

ROWS = ("images", "low", "high")
TITLES = {"disc": ("LFC", "HFC"), "svd_energy_of_disc": ("dominant", "trailing")}
NO_SIZE = {"filter", "shape", "keep", "inclusive"}


class Found(NamedTuple):
    """What was found for one model.

    title: the model and the numbers of images. names: of the low and the high component. size: of
    the filter, in words. shown: images and components [N, C, H, W] by ROWS. captions: the predicted
    class of each, and whether it is correct, by ROWS.
    """

    title: str
    names: tuple[str, str]
    size: str
    shown: Mapping[str, np.ndarray]
    captions: Mapping[str, Sequence[tuple[str, bool | None]]]


@FIGURES.register("component_examples", listed={"filters": "low"})
def component_examples(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="component_predictions")],
    filters: list[FilterName],
) -> Figure:
    """Images classified correctly, as is their high component but not their low one, with all
    predictions.

    Args:
        probe: the probe that found them.
        filters: of the low component, each one of the probe's `low`. The images of the first one
            with which the probe found some are drawn.
    """
    entries = first_seeds(artifact.models)
    looks = artifact.looks(method for _, method in entries)
    names = [one["name"] for one in filters]
    return draw_component_examples(
        [found(looks[key[1]], key[0], entry, probe, names) for key, entry in entries.items()]
    )


def found(look: Look, dataset: str, entry: dict, probe: str, names: Sequence[str]) -> Found:
    """What the probe found for one model: with the first of the filters `names` that found any."""
    arrays, metadata = probe_arrays(entry, probe), probe_metadata(entry, probe)
    counts = {name: int(arrays[f"follows_high_{name}"].sum()) for name in names}
    misses = len(list(takewhile(lambda name: not counts[name], names)))
    tried = names[: misses + 1]
    drawn = tried[-1]
    sizes, labels = {name: _size(metadata["filters"][name]) for name in tried}, arrays["labels"]
    shares = [f"{_share(counts[name], len(labels))} at {sizes[name]}" for name in tried]
    chosen, classes = arrays[f"indices_{drawn}"], metadata["classes"]
    predicted = {
        "images": arrays["predicted"],
        **{row: arrays[f"predicted_{row}_{drawn}"] for row in ("low", "high")},
    }
    shape = split_condition(metadata["filters"][drawn])["shape"]
    return Found(
        f"{look.model}, {dataset}: {'; '.join(shares)}",
        TITLES.get(shape, ("low", "high")),
        sizes[drawn],
        {row: arrays[f"{row}_{drawn}"] for row in ROWS},
        {row: predictions(predicted[row][chosen], labels[chosen], classes) for row in ROWS},
    )


def _size(filter: str) -> str:
    """The size of a described filter in words, such as "radius 12"."""
    return ", ".join(
        f"{key} {value}" for key, value in split_condition(filter).items() if key not in NO_SIZE
    )


def _share(count: int, images: int) -> str:
    low, high = wilson(100 * count / images, images)
    share = f"{100 * count / images:.2g} %, {INTERVALS} {low:.2g} to {high:.2g} %"
    return f"{count:,} of {images:,} test images ({share})"


def draw_component_examples(blocks: Sequence[Found]) -> Figure:
    """Three rows per model: images, their low and their high components.

    Low components are clipped to 0..1. High components are signed: 0 is mid-grey, and the largest
    absolute value in the row, which is stated, is black or white.
    """
    most = max(len(block.shown["images"]) for block in blocks)
    columns = max(1, most)
    cell = min(0.95, (PAGE - 1.05) / columns) if most else 0.1
    height = len(blocks) * (3 * (cell + 0.19) + 0.35)
    figure = new_figure(max(cell * columns, 4.0) + 1.0, height, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    grid = figure.subplots(3 * len(blocks), columns, squeeze=False)
    for place, block in enumerate(blocks):
        panels = grid[3 * place : 3 * place + 3]
        panels[0, 0].set_title(wrapped(block.title, 95), loc="left")
        if len(block.shown["images"]):
            _draw_block(panels, block)
        else:
            _say_none(panels)
    return figure


def _draw_block(panels: np.ndarray, block: Found) -> None:
    largest = float(np.abs(block.shown["high"]).max()) or 1.0
    titles = (
        "image",
        f"{block.names[0]}\n{block.size}",
        f"{block.names[1]}\ngrey = 0,\nwhite = {largest:.2f}",
    )
    for row, title, axes in zip(ROWS, titles, panels, strict=True):
        axes[0].set_ylabel(title, rotation=0, ha="right", va="center")
        images = block.shown[row]
        if row == "high":
            images = 0.5 + images / (2 * largest)
        for image, caption, one in zip(images, block.captions[row], axes, strict=False):
            draw_image(one, image)
            below(one, *caption)
        for unused in axes[len(images) :]:
            unused.set_axis_off()


def _say_none(panels: np.ndarray) -> None:
    first: Axes = panels[1, 0]
    for axes in panels.flat:
        bare(axes)
    first.text(0, 0.5, "none found", transform=first.transAxes, ha="left", va="center")
