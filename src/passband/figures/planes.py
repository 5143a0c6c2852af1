"""Maps over the frequency plane, and Fourier heat maps."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter

from passband.figures import FIGURES
from passband.figures.load import first_seeds, in_order, probe_arrays, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import COLUMN, PAGE, SIGNED, Look, new_figure, wrapped
from passband.intervals.accuracies import wilson
from passband.intervals.estimates import Interval
from passband.options import Name

SHOWN_MAGNITUDES = (0.005, 0.998)  # quantiles at the ends of a log colour scale
BAR = {"shrink": 0.9, "aspect": 28}


@FIGURES.register("heatmap_grid")
def heatmap_grid(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="fourier_heatmap")]
) -> Figure:
    """The error that noise along each frequency adds to the clean one, a row per data set and a
    column per method (first seed).

    Args:
        probe: the probe that measured the heat maps.
    """
    entries = first_seeds(artifact.models)
    maps = {key: probe_arrays(entry, probe) for key, entry in entries.items()}
    errors = {key: arrays["error"] for key, arrays in maps.items()}
    clean = {key: _clean_error(arrays["wrong_clean"]) for key, arrays in maps.items()}
    norms = read_measurements(artifact.models, probe, "error_rate")["norm"].unique()
    looks = artifact.looks(method for _, method in entries)
    return draw_heatmaps(errors, clean, " / ".join(norms), looks)


def _clean_error(wrong: np.ndarray) -> Interval:
    percent, count = 100 * float(wrong.mean()), len(wrong)
    return Interval(percent, *wilson(percent, count), count)


def draw_heatmaps(
    errors: Mapping[tuple[str, str], np.ndarray],
    clean: Mapping[tuple[str, str], Interval],
    norm: str,
    looks: Mapping[str, Look],
) -> Figure:
    """The error that noise along each frequency adds, on one colour scale about zero.

    Args:
        errors: (dataset title, method) to error rate [H, W] in 0..1, the DC component at
            [H//2, W//2].
        clean: the error in percent on the images as they are, which is subtracted and written
            above the panels.
        norm: l2 norm of the Fourier basis noise, as text.
        looks: method to look.
    """
    notes = {
        key: f"clean error {rate.effect:.1f} % [{rate.low:.0f}, {rate.high:.0f}]"
        for key, rate in clean.items()
    }
    figure, panels = _grid(errors, notes, looks)
    added = {key: 100 * error - clean[key].effect for key, error in errors.items()}
    limit = max(1.0, *(float(np.abs(one).max()) for one in added.values()))
    for key, plane in added.items():
        image = draw_plane(panels[key], plane, Normalize(-limit, limit), SIGNED)
    label = f"error rate minus clean error (points),\nnoise of norm {norm} in each channel"
    figure.colorbar(image, ax=list(panels.values()), label=label, **BAR)
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


def log_axis(axes: Axes) -> None:
    """A log scale upwards, labelled in plain numbers."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    steps = (1, 2, 5) if high / low < 30 else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


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
            title = wrapped(looks[method].label, 34) if row == 0 else ""
            axes.set_title(f"{title}\n{notes[key]}".strip())
            if column == 0:
                axes.set_ylabel(f"{wrapped(dataset, 26)}\nrow frequency")
            if row == len(datasets) - 1:
                axes.set_xlabel("column frequency\n(cycles per image)")
            panels[key] = axes
    return figure, panels
