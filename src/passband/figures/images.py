"""Grids of example images with their labels, perturbations and spectra."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.attack_constants import with_constants
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.planes import enlarged, log_scale, log_ticks
from passband.figures.style import (
    GREY,
    MAGNITUDES,
    PAGE,
    SIGNED,
    SMALLEST,
    WRONG,
    Look,
    new_figure,
    wrapped,
)
from passband.options import Name, Span

LONGEST_NAME = 11  # characters of a class name that fit below an image

Examples = Mapping[str, np.ndarray]  # the arrays that the probe kept of one model


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
    examples, metadata, looks = _examples(artifact, probe)
    units = perturbation_units(artifact.attacks, examples, metadata)
    return draw_image_rows(examples, metadata, looks, shown_of(examples, images), units)


@FIGURES.register("perturbation_examples")
def perturbation_examples(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="example_images")],
    images: Span,
) -> Figure:
    """Attacked images, their perturbations in units of epsilon, and the spectra of these.

    Args:
        probe: the probe that stored the images.
        images: two indices: the first image to show, and the one after the last; where the probe
            stored fewer images, they are counted from its first one again.
    """
    examples, metadata, looks = _examples(artifact, probe)
    units = perturbation_units(artifact.attacks, examples, metadata)
    return draw_perturbations(examples, metadata, looks, shown_of(examples, images), units)


class Units(NamedTuple):
    """What perturbations are divided by before they are drawn, and the name of the ratio."""

    one: float
    name: str


def perturbation_units(
    attacks: Mapping[str, Mapping],
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
) -> Units:
    """Epsilon of the attack; the largest change of a pixel where the attack has none.

    Args:
        attacks: resolved rows of config/attacks.yaml by name.
        examples: arrays of the probe.
        metadata: metadata of the probe (attack), by dataset title.
    """
    name = next(iter(metadata.values()))["attack"]
    epsilon = attacks.get(name, {}).get("epsilon")
    if epsilon:
        return Units(epsilon, f"δ / ε, ε = {with_constants('{epsilon}', attacks[name])}")
    largest = max(float(np.abs(arrays["perturbation"]).max()) for arrays in examples.values())
    return Units(largest or 1.0, "δ / max |δ|")


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
    for dataset, methods in _by_dataset(examples).items():
        first = examples[dataset, methods[0]]
        names = metadata[dataset]["classes"]
        labels = _shown_labels(first, shown)
        captions = [(names[i], None) for i in labels]
        rows.append(Row(f"{wrapped(dataset, 16)}\nx", first["images"][shown], captions))
        for method in methods:
            arrays = examples[dataset, method]
            model = wrapped(looks[method].model, 16)
            attacked = (arrays["images"] + arrays["perturbation"])[shown]
            predicted = _predictions(arrays["predicted_adversarial"][shown], labels, names)
            rows.append(Row(f"{model}\nx + δ", attacked, predicted))
            rows.append(Row("δ", arrays["perturbation"][shown] / units.one, signed=True))
        size = metadata[dataset]["bandwidth"]
        rows.append(Row(f"low-pass x\nk = {size}", first["filtered"][shown]))
    return _draw_rows(rows, units)


def draw_perturbations(
    examples: Mapping[tuple[str, str], Examples],
    metadata: Mapping[str, Mapping],
    looks: Mapping[str, Look],
    shown: slice,
    units: Units,
) -> Figure:
    """A row per image: the image, then per method the attacked image, δ and the spectrum of δ.

    Arguments as for `draw_image_rows`. Perturbations share one colour scale about zero, spectra one
    log scale.
    """
    methods = list(looks)
    blocks = _by_dataset(examples)
    labels_of = {
        dataset: _shown_labels(examples[dataset, blocks[dataset][0]], shown) for dataset in blocks
    }
    count, columns = sum(map(len, labels_of.values())), 1 + 3 * len(methods)
    cell = min(0.95, (PAGE - 0.7) / columns)
    figure = new_figure(cell * columns + 0.6, (cell + 0.19) * count + 0.85, layout="compressed")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    grid = figure.subplots(count, columns, squeeze=False)
    scale = log_scale([arrays["spectrum"][shown] for arrays in examples.values()])
    row = 0
    for dataset, labels in labels_of.items():
        names = metadata[dataset]["classes"]
        for index, label in enumerate(labels):
            first = examples[dataset, blocks[dataset][0]]
            draw_image(grid[row, 0], first["images"][shown][index])
            _below(grid[row, 0], names[label], None)
            if len(labels_of) > 1 and index == 0:
                grid[row, 0].set_ylabel(dataset)
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
                signed = draw_signed(triple[1], delta / units.one)
                spectrum = triple[2].imshow(
                    enlarged(arrays["spectrum"][shown][index], 128), norm=scale, cmap=MAGNITUDES
                )
                _bare(triple[2])
            row += 1
    grid[0, 0].set_title("x")
    for place, method in enumerate(methods):
        titles = "x + δ", f"{wrapped(looks[method].model, 24)}\nδ", "|F(δ)|"
        for axes, title in zip(grid[0, 1 + 3 * place : 4 + 3 * place], titles, strict=True):
            axes.set_title(title)
    bar = figure.colorbar(
        spectrum, ax=grid, label="|F(δ)|", extend="both", shrink=0.8, aspect=30, pad=0.01
    )
    log_ticks(bar)
    _signed_bar(figure, signed, grid, delta, units)
    return figure


class Row(NamedTuple):
    """A row of images [N, C, H, W], what is left of it and below each; signed: -1 to 1, not an
    image."""

    title: str
    images: np.ndarray
    captions: Sequence[tuple[str, bool | None]] | None = None
    signed: bool = False


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
                _below(axes, *row.captions[index])
    _signed_bar(figure, signed, grid, rows[0].images[0], units)
    return figure


def draw_signed(axes: Axes, image: np.ndarray) -> AxesImage:
    """Draw the mean over channels of a signed image [C, H, W], from -1 to 1."""
    drawn = axes.imshow(enlarged(image.mean(0), 128), norm=Normalize(-1, 1), cmap=SIGNED)
    _bare(axes)
    return drawn


def _signed_bar(
    figure: Figure, drawn: AxesImage, grid: np.ndarray, image: np.ndarray, units: Units
) -> None:
    channels = f", mean of {len(image)} channels" if len(image) > 1 else ""
    place = {"location": "bottom", "shrink": 0.5, "aspect": 40, "pad": 0.02}
    ticks = [-1, -0.5, 0, 0.5, 1]
    figure.colorbar(drawn, ax=grid, label=units.name + channels, ticks=ticks, **place)


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
    axes.set_xlabel(symbol + name, fontsize=SMALLEST, color=colour, labelpad=1.5)


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
