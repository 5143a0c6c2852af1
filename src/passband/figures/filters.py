"""What filters keep of an image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.image_cells import draw_image
from passband.figures.notebook import Artifact
from passband.figures.planes import BAR, enlarged, log_ticks
from passband.figures.style import INK, MAGNITUDES, PAGE, new_figure
from passband.files import read_arrays
from passband.options import DatasetName, FilterName, Index

KINDS = {"low": "LPF", "high": "HPF"}
SYMBOLS = {"bandwidth": "k", "radius": "r"}
PASSED = 0.25  # of an amplitude: from here on, a frequency counts as kept


class Shown(NamedTuple):
    """A filter as it acts on the image.

    title: what is kept and how much. filtered: the image [C, H, W]. response: what is left of a
    unit amplitude at each frequency [H, W], in the order of the FFT.
    """

    title: str
    filtered: np.ndarray
    response: np.ndarray


@FIGURES.register("filters")
def filters(
    artifact: Artifact, *, filters: list[FilterName], dataset: DatasetName, image: Index = 0
) -> Figure:
    """One image, its spectrum, what each filter keeps of it, and the filtered image.

    Args:
        filters: the filters, one row of the figure each.
        dataset: the data set of the image.
        image: index of the image in the test split.
    """
    picture = prepared_image(artifact.datasets[dataset], image)
    return draw_filters(picture, [applied(row, picture) for row in filters])


def prepared_image(dataset_file: str | Path, index: int) -> np.ndarray:
    """Image `index` of a prepared split, float64 [C, H, W] in 0..1."""
    images = read_arrays(dataset_file)["images"]
    if not 0 <= index < len(images):
        raise UserError(f"{dataset_file} holds {len(images)} images, there is no image {index}.")
    return images[index] / 255


def applied(row: Mapping[str, object], image: np.ndarray) -> Shown:
    """Apply the filter of a resolved row of config/filters.yaml to an image [C, H, W].

    The response is measured: it is the spectrum of a filtered impulse.
    """
    import torch

    from passband.spectra.filters import FILTERS, apply, size_of

    side = image.shape[-1]
    impulse = np.zeros((side, side))
    impulse[0, 0] = 1
    filtered, response = (
        apply(row, torch.from_numpy(array)).numpy() for array in (image, impulse[None])
    )
    size = FILTERS.settings(row["shape"])["size"]
    title = f"{KINDS[row['keep']]}, {SYMBOLS.get(size, size)} = {size_of(row, side)}"
    return Shown(title, filtered, np.abs(np.fft.fft2(response[0])))


def draw_filters(image: np.ndarray, shown: Sequence[Shown]) -> Figure:
    """A row per filter: image, spectrum, its kept part, what is left of the image.

    The plane is drawn with the DC component in the centre, or, for a filter that keeps the highest
    frequency and not the DC component, as the FFT gives it, with the highest frequency there.

    Args:
        image: [C, H, W] in 0..1.
        shown: the filters.
    """
    figure = new_figure(PAGE * 0.9, 1.85 * len(shown), layout="compressed")
    grid = figure.subplots(len(shown), 4, squeeze=False)
    magnitudes = np.abs(np.fft.fft2(image)).mean(axis=0)
    scale = LogNorm(max(1e-4 * magnitudes.max(), magnitudes.min()), magnitudes.max(), clip=True)
    for row, one in zip(grid, shown, strict=True):
        middle = image.shape[-1] // 2
        centred = one.response[0, 0] >= one.response[middle, middle]
        kept = np.where(one.response > PASSED, magnitudes, np.nan)
        draw_image(row[0], image)
        for axes, plane in zip(row[1:3], (magnitudes, kept), strict=True):
            drawn = _draw_spectrum(axes, plane, scale, one.response, centred)
        if centred:
            draw_image(row[3], one.filtered)
        else:
            factor = max(1, int(0.5 / max(np.abs(one.filtered).max(), 1e-6)))
            draw_image(row[3], 0.5 + factor * one.filtered)
            row[3].set_xlabel(f"grey = 0, × {factor}" if factor > 1 else "grey = 0")
        row[0].set_ylabel(one.title)
    for axes, title in zip(grid[0], ("image", "|FFT|", "kept", "filtered image"), strict=True):
        axes.set_title(title)
    for axes in grid[-1, 1:3]:
        axes.set_xlabel("cycles per image")
    log_ticks(figure.colorbar(drawn, ax=grid, label="mean |F| over channels", **BAR))
    return figure


def _draw_spectrum(
    axes: Axes, magnitudes: np.ndarray, scale: LogNorm, response: np.ndarray, centred: bool
) -> object:
    side = magnitudes.shape[-1]
    frequencies = np.fft.fftfreq(side, 1 / side).astype(int)
    if centred:
        magnitudes, response, frequencies = map(
            np.fft.fftshift, (magnitudes, response, frequencies)
        )
    drawn = axes.imshow(
        enlarged(magnitudes),
        norm=scale,
        cmap=MAGNITUDES,
        extent=(-0.5, side - 0.5, side - 0.5, -0.5),
    )
    colour = "white" if np.isfinite(magnitudes).all() else INK
    axes.add_collection(LineCollection(edges(response > PASSED), colors=colour, linewidths=1.4))
    ticks = [0, side // 4, side // 2, 3 * side // 4]
    names = [f"{frequencies[tick]}".replace("-", "−") for tick in ticks]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.grid(False)
    return drawn


def edges(inside: np.ndarray) -> list[list[tuple[float, float]]]:
    """The outline of the cells [H, W] that are true: lines from (x, y) to (x, y)."""
    padded = np.pad(inside, 1)
    lines = []
    for row, column in np.argwhere(padded[1:] != padded[:-1]):
        lines.append([(column - 1.5, row - 0.5), (column - 0.5, row - 0.5)])
    for row, column in np.argwhere(padded[:, 1:] != padded[:, :-1]):
        lines.append([(column - 0.5, row - 1.5), (column - 0.5, row - 0.5)])
    return lines
