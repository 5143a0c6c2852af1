"""Grids of example images with their labels, perturbations and spectra."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.planes import SPECTRUM_COLOURS, enlarged, log_scale, log_ticks
from passband.figures.style import GREY, PAGE, WRONG, Look, new_figure
from passband.options import Name, Span

LONGEST_NAME = 14  # characters of a class name that fit below an image

Examples = Mapping[str, np.ndarray]  # the arrays that the probe kept of one model


@FIGURES.register("image_rows")
def image_rows(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="example_images")],
    images: Span,
) -> Figure:
    """Clean, attacked and low-pass filtered images.

    Args:
        probe: the probe that stored the images.
        images: two indices: the first image to show, and the one after the last; where the probe
            stored fewer images, they are counted from its first one again.
    """
    examples, metadata, looks = _examples(artifact, probe)
    return draw_image_rows(examples, metadata, looks, shown_of(examples, images))


@FIGURES.register("perturbation_examples")
def perturbation_examples(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="example_images")],
    images: Span,
) -> Figure:
    """Attacked images, their perturbations, and the spectra of the perturbations.

    Args:
        probe: the probe that stored the images.
        images: two indices: the first image to show, and the one after the last; where the probe
            stored fewer images, they are counted from its first one again.
    """
    examples, metadata, looks = _examples(artifact, probe)
    return draw_perturbations(examples, metadata, looks, shown_of(examples, images))


def shown_of(examples: Mapping[tuple[str, str], Examples], images: Sequence[int]) -> slice:
    """The images to show, of those that the probe stored of every model.

    Args:
        examples: arrays of the probe.
        images: the first one, and the one after the last.
    """
    kept = min(len(arrays["labels"]) for arrays in examples.values())
    first = images[0] % kept
    return slice(first, min(first + images[1] - images[0], kept))


def _examples(
    artifact: Artifact, probe: str
) -> tuple[dict[tuple[str, str], Examples], dict[str, dict], dict[str, Look]]:
    entries = first_seeds(artifact.models)
    examples = {key: probe_arrays(entry, probe) for key, entry in entries.items()}
    metadata = {key[0]: probe_metadata(entry, probe) for key, entry in entries.items()}
    return examples, metadata, artifact.looks(method for _, method in entries)


def draw_image_rows(
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
    looks: Mapping[str, Look],
    shown: slice,
) -> Figure:
    """Rows of images per data set: as they are, attacked (a row per method), low-pass filtered.

    Args:
        examples: (dataset title, method) to arrays of the probe.
        metadata: dataset title to metadata of the probe (classes, bandwidth).
        looks: method to look.
        shown: which of the images.

    Raises:
        UserError: there are no such images.
    """
    rows = []
    for dataset, methods in _by_dataset(examples).items():
        first = examples[dataset, methods[0]]
        names = metadata[dataset]["classes"]
        labels = _shown_labels(first, shown)
        rows.append((f"{dataset}\nx", first["images"][shown], [(names[i], None) for i in labels]))
        for method in methods:
            arrays = examples[dataset, method]
            attacked = (arrays["images"] + arrays["perturbation"])[shown]
            predicted = _predictions(arrays["predicted_adversarial"][shown], labels, names)
            rows.append((f"x + δ\n{looks[method].model}", attacked, predicted))
        size = metadata[dataset]["bandwidth"]
        rows.append((f"low-pass x\nk = {size}", first["filtered"][shown], None))
    return _draw_rows(rows)


def draw_perturbations(
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
    looks: Mapping[str, Look],
    shown: slice,
) -> Figure:
    """A row per image: the image, then per method the attacked image, δ and the spectrum of δ.

    Arguments as for `draw_image_rows`. The perturbation is amplified about mid-grey by the factor
    that the column titles state; all spectra share one log colour scale.
    """
    methods = list(looks)
    blocks = _by_dataset(examples)
    labels_of = {
        dataset: _shown_labels(examples[dataset, blocks[dataset][0]], shown) for dataset in blocks
    }
    count = sum(len(labels) for labels in labels_of.values())
    cell = min(0.95, (PAGE - 0.75) / (1 + 3 * len(methods)))
    width = cell * (1 + 3 * len(methods)) + 0.75
    figure = new_figure(width, (cell + 0.17) * count + 0.5, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    grid = figure.subplots(count, 1 + 3 * len(methods), squeeze=False)
    factor = _amplification(examples)
    scale = log_scale([arrays["spectrum"][shown] for arrays in examples.values()])
    row = 0
    for dataset, labels in labels_of.items():
        names = metadata[dataset]["classes"]
        for index, label in enumerate(labels):
            first = examples[dataset, blocks[dataset][0]]
            draw_image(grid[row, 0], first["images"][shown][index])
            _below(grid[row, 0], names[label], None)
            if len(labels_of) > 1 and index == 0:
                grid[row, 0].set_ylabel(dataset, fontsize=7)
            for place, method in enumerate(methods):
                triple = grid[row, 1 + 3 * place : 4 + 3 * place]
                if (dataset, method) not in examples:
                    for axes in triple:
                        axes.set_axis_off()
                    continue
                arrays = examples[dataset, method]
                delta = arrays["perturbation"][shown][index]
                draw_image(triple[0], arrays["images"][shown][index] + delta)
                predicted = arrays["predicted_adversarial"][shown][index]
                _below(triple[0], *_predictions([predicted], [label], names)[0])
                draw_image(triple[1], 0.5 + factor * delta)
                spectrum = triple[2].imshow(
                    enlarged(arrays["spectrum"][shown][index], 128),
                    norm=scale,
                    cmap=SPECTRUM_COLOURS,
                )
                _bare(triple[2])
            row += 1
    grid[0, 0].set_title("x", fontsize=7.5)
    for place, method in enumerate(methods):
        titles = ("x + δ", f"δ × {factor}", "|F(δ)|")
        for axes, title in zip(grid[0, 1 + 3 * place : 4 + 3 * place], titles, strict=True):
            axes.set_title(title, fontsize=7.5)
        title = f"{looks[method].model}\nδ × {factor}"
        grid[0, 2 + 3 * place].set_title(title, fontsize=7.5)
    bar = figure.colorbar(
        spectrum, ax=grid, label="|F(δ)|", extend="both", shrink=0.7, aspect=30, pad=0.01
    )
    log_ticks(bar)
    return figure


def _draw_rows(
    rows: Sequence[tuple[str, np.ndarray, Sequence[tuple[str, bool | None]] | None]],
) -> Figure:
    count = len(rows[0][1])
    cell = min(0.95, (PAGE - 0.8) / count)
    labelled = sum(captions is not None for _, _, captions in rows)
    height = cell * len(rows) + 0.17 * labelled + 0.2
    figure = new_figure(cell * count + 0.8, height, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    grid = figure.subplots(len(rows), count, squeeze=False)
    for panels, (title, images, captions) in zip(grid, rows, strict=True):
        panels[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=7.5)
        for index, (axes, image) in enumerate(zip(panels, images, strict=True)):
            draw_image(axes, image)
            if captions is not None:
                _below(axes, *captions[index])
    return figure


def draw_image(axes: Axes, image: np.ndarray) -> None:
    """Draw an image [C, H, W] in 0..1, grey where there is one channel."""
    shown = enlarged(np.clip(image, 0, 1).transpose(1, 2, 0), 128)
    axes.imshow(shown[..., 0] if shown.shape[-1] == 1 else shown, cmap="gray", vmin=0, vmax=1)
    _bare(axes)


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _below(axes: Axes, name: str, right: bool | None) -> None:
    """Name a class below an image; where it was predicted, tell whether it is right."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + "…"
    symbol = {None: "", True: "✓ ", False: "✗ "}[right]
    colour = WRONG if right is False else GREY
    axes.set_xlabel(symbol + name, fontsize=5.5, color=colour, labelpad=1.5)


def _predictions(
    predicted: Sequence[int], labels: Sequence[int], names: Sequence[str]
) -> list[tuple[str, bool | None]]:
    return [(names[p], bool(p == label)) for p, label in zip(predicted, labels, strict=True)]


def _shown_labels(arrays: Examples, shown: slice) -> np.ndarray:
    labels = arrays["labels"][shown]
    if not len(labels):
        raise UserError(
            f"images {shown.start} to {shown.stop} were asked for, but the probe kept only "
            f"{len(arrays['labels'])}: change `images` of the artifact's options."
        )
    return labels


def _by_dataset(examples: Mapping[tuple[str, str], Examples]) -> dict[str, list[str]]:
    blocks: dict[str, list[str]] = {}
    for dataset, method in examples:
        blocks.setdefault(dataset, []).append(method)
    return blocks


def _amplification(examples: Mapping[tuple[str, str], Examples]) -> int:
    largest = max(np.abs(arrays["perturbation"]).max() for arrays in examples.values())
    return max(1, round(0.5 / float(largest))) if largest > 0 else 1
