"""Maps over the frequency plane: spectra of perturbations and Fourier heat maps."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from passband.figures.load import in_order
from passband.figures.style import COLUMN, PAGE, method_look, new_figure

SPECTRUM_COLOURS = "viridis"
ERROR_COLOURS = "magma"
SHOWN_MAGNITUDES = (0.005, 0.998)  # quantiles at the ends of a log colour scale
BAR = {"shrink": 0.9, "aspect": 28}


def spectrum_grid(
    spectra: Mapping[tuple[str, str], np.ndarray], training_fraction: float | None = 0.5
) -> Figure:
    """Mean spectra, a row per data set and a column per method, on one log scale per image side.

    spectra: (dataset title, method) -> magnitude [H, W] > 0, zero frequency at [H//2, W//2].
    training_fraction: bandwidth over side of the images the L-model was trained on; its square
        is outlined on the L-model's panels. None outlines nothing.
    """
    notes = {}
    figure, panels = _grid(spectra, notes)
    for maps in _rows_of_one_scale(spectra):
        scale = log_scale([spectra[key] for key in maps])
        for key in maps:
            image = draw_plane(panels[key], spectra[key], scale, SPECTRUM_COLOURS)
            if key[1] == "L-model" and training_fraction:
                outline(panels[key], training_fraction * spectra[key].shape[0], "white")
        place = [panels[key] for key in maps]
        log_ticks(figure.colorbar(image, ax=place, label="mean |F(δ)|", extend="both", **BAR))
    return figure


def heatmap_grid(
    errors: Mapping[tuple[str, str], np.ndarray], clean: Mapping[tuple[str, str], float], norm: str
) -> Figure:
    """Fourier heat maps, a row per data set and a column per method, on one colour scale.

    errors: (dataset title, method) -> error rate [H, W] in 0..1, zero frequency at [H//2, W//2].
    clean: the error rates 0..1 of the images as they are, written above the panels.
    norm: l2 norm of the Fourier basis noise, as text.
    """
    notes = {key: f"clean error {100 * rate:.1f} %" for key, rate in clean.items()}
    figure, panels = _grid(errors, notes)
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


def _grid(
    maps: Mapping[tuple[str, str], np.ndarray], notes: Mapping[tuple[str, str], str]
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    datasets = in_order([dataset for dataset, _ in maps])
    methods = in_order([method for _, method in maps])
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
            title = method_look(method, methods)[0] if row == 0 else ""
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
