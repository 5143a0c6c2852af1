"""Maps over the frequency plane: spectra of perturbations and Fourier heat maps."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from passband.figures import FIGURES
from passband.figures.load import (
    first_seeds,
    in_order,
    probe_arrays,
    read_measurements,
    training_bandwidth,
)
from passband.figures.notebook import Artifact
from passband.figures.style import COLUMN, PAGE, Look, new_figure
from passband.options import Name

SPECTRUM_COLOURS = "viridis"
ERROR_COLOURS = "magma"
SHOWN_MAGNITUDES = (0.005, 0.998)  # quantiles at the ends of a log colour scale
BAR = {"shrink": 0.9, "aspect": 28}


@FIGURES.register("spectrum_grid")
def spectrum_grid(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="perturbation_spectrum")]
) -> Figure:
    """Mean spectra of perturbations, a row per data set and a column per method.

    Args:
        probe: the probe that measured the spectra.
    """
    entries = first_seeds(artifact.models)
    spectra = {key: probe_arrays(entry, probe)["spectrum"] for key, entry in entries.items()}
    trained = {
        key: training_bandwidth(entry, spectra[key].shape[0]) for key, entry in entries.items()
    }
    return draw_spectra(spectra, _looks(artifact, entries), trained)


@FIGURES.register("heatmap_grid")
def heatmap_grid(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="fourier_heatmap")]
) -> Figure:
    """Fourier heat maps, a row per data set and a column per method.

    Args:
        probe: the probe that measured the heat maps.
    """
    entries = first_seeds(artifact.models)
    maps = {key: probe_arrays(entry, probe) for key, entry in entries.items()}
    errors = {key: arrays["error"] for key, arrays in maps.items()}
    clean = {key: arrays["wrong_clean"].mean() for key, arrays in maps.items()}
    norms = read_measurements(artifact.models, probe, "error_rate")["norm"].unique()
    return draw_heatmaps(errors, clean, " / ".join(norms), _looks(artifact, entries))


def draw_spectra(
    spectra: Mapping[tuple[str, str], np.ndarray],
    looks: Mapping[str, Look],
    trained: Mapping[tuple[str, str], int | None],
) -> Figure:
    """Mean spectra on one log scale per image side.

    Args:
        spectra: (dataset title, method) to magnitude [H, W] > 0, the DC component at
            [H//2, W//2].
        looks: method to look.
        trained: (dataset title, method) to the bandwidth of the model's training images, whose
            square is outlined; None for a model trained on images as they are.
    """
    figure, panels = _grid(spectra, {}, looks)
    for maps in _rows_of_one_scale(spectra):
        scale = log_scale([spectra[key] for key in maps])
        for key in maps:
            image = draw_plane(panels[key], spectra[key], scale, SPECTRUM_COLOURS)
            if trained.get(key):
                outline(panels[key], trained[key], "white")
        place = [panels[key] for key in maps]
        log_ticks(figure.colorbar(image, ax=place, label="mean |F(δ)|", extend="both", **BAR))
    return figure


def draw_heatmaps(
    errors: Mapping[tuple[str, str], np.ndarray],
    clean: Mapping[tuple[str, str], float],
    norm: str,
    looks: Mapping[str, Look],
) -> Figure:
    """Fourier heat maps on one colour scale.

    Args:
        errors: (dataset title, method) to error rate [H, W] in 0..1, the DC component at
            [H//2, W//2].
        clean: the error rates 0..1 on the images as they are, written above the panels.
        norm: l2 norm of the Fourier basis noise, as text.
        looks: method to look.
    """
    notes = {key: f"clean error {100 * rate:.1f} %" for key, rate in clean.items()}
    figure, panels = _grid(errors, notes, looks)
    everywhere = 100 * np.concatenate([error.ravel() for error in errors.values()])
    scale = Normalize(everywhere.min(), max(everywhere.max(), everywhere.min() + 1))
    for key, error in errors.items():
        image = draw_plane(panels[key], 100 * error, scale, ERROR_COLOURS)
    figure.colorbar(
        image, ax=list(panels.values()), label=f"error rate (%), noise of norm {norm}", **BAR
    )
    return figure


def draw_plane(axes: Axes, plane: np.ndarray, scale: Normalize, colours: str) -> AxesImage:
    """Draw a map [H, W] over signed frequencies, low frequencies in the centre."""
    height, width = plane.shape
    extent = (-width / 2 - 0.5, width / 2 - 0.5, height / 2 - 0.5, -height / 2 - 0.5)
    axes.grid(False)
    axes.set_xticks([-width // 2, -width // 4, 0, width // 4])
    axes.set_yticks([-height // 2, -height // 4, 0, height // 4])
    return axes.imshow(enlarged(plane), norm=scale, cmap=colours, extent=extent)


def log_scale(spectra: Sequence[np.ndarray]) -> LogNorm:
    """One log scale for all magnitudes but the extreme: a dominant mean hides nothing else."""
    values = np.concatenate([spectrum.ravel() for spectrum in spectra])
    low, high = np.quantile(values[values > 0], SHOWN_MAGNITUDES)
    return LogNorm(float(low), max(float(high), 1.01 * float(low)), clip=True)


def log_ticks(bar: Colorbar) -> None:
    """Label a log colour bar in plain numbers: 1, 2, 5, 10 ..., powers of ten alone if many."""
    low, high = bar.norm.vmin, bar.norm.vmax
    steps = (1, 2, 5) if high / low < 500 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    ticks = [tick for tick in ticks if low <= tick <= high]
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks], minor=False)
    bar.minorticks_off()


def outline(axes: Axes, bandwidth: float, colour: str) -> None:
    """Outline the central square of `bandwidth` x `bandwidth` frequencies."""
    corner = -bandwidth / 2 - 0.5
    axes.add_patch(
        Rectangle(
            (corner, corner), bandwidth, bandwidth, fill=False, ec=colour, lw=0.9, ls=(0, (4, 2))
        )
    )


def enlarged(image: np.ndarray, pixels: int = 256) -> np.ndarray:
    """Repeat the pixels of [H, W, ...] so that viewers that smooth images keep the edges sharp."""
    times = max(1, pixels // max(image.shape[:2]))
    return image.repeat(times, axis=0).repeat(times, axis=1)


def _looks(artifact: Artifact, keys: Iterable[tuple[str, str]]) -> dict[str, Look]:
    return artifact.looks(method for _, method in keys)


def _grid(
    maps: Mapping[tuple[str, str], np.ndarray],
    notes: Mapping[tuple[str, str], str],
    looks: Mapping[str, Look],
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    datasets = in_order([dataset for dataset, _ in maps])
    methods = list(looks)
    width = {1: 0.85 * COLUMN, 2: 1.5 * COLUMN}.get(len(methods), PAGE)
    cell = (width - 0.9) / len(methods)
    figure = new_figure(width, (cell + 0.2) * len(datasets) + 0.55, layout="compressed")
    grid = figure.subplots(len(datasets), len(methods), squeeze=False)
    panels = {}
    for row, dataset in enumerate(datasets):
        for column, method in enumerate(methods):
            axes = grid[row, column]
            key = dataset, method
            if key not in maps:
                axes.set_axis_off()
                continue
            title = looks[method].label if row == 0 else ""
            if key in notes:
                title = f"{title}\n{notes[key]}".strip()
            axes.set_title(title, fontsize=8)
            if column == 0:
                axes.set_ylabel(f"{dataset}\nrow frequency")
            if row == len(datasets) - 1:
                axes.set_xlabel("column frequency\n(cycles per image)")
            panels[key] = axes
    return figure, panels


def _rows_of_one_scale(maps: Mapping[tuple[str, str], np.ndarray]) -> list[list[tuple[str, str]]]:
    """The keys of `maps`, together where all maps have one size, else apart by data set."""
    if len({plane.shape for plane in maps.values()}) == 1:
        return [list(maps)]
    datasets = in_order([dataset for dataset, _ in maps])
    return [[key for key in maps if key[0] == dataset] for dataset in datasets]
