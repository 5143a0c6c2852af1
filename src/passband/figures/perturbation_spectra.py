"""Mean spectra of perturbations: over the frequency plane, by distance and by square."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from passband.figures import FIGURES
from passband.figures.lines import interval_key, line, means
from passband.figures.load import first_seeds, in_order, probe_arrays, training_bandwidth
from passband.figures.notebook import Artifact
from passband.figures.planes import draw_plane, log_axis, log_scale, log_ticks, outline
from passband.figures.style import (
    GREY,
    LEVEL_LINE,
    MAGNITUDES,
    PAGE,
    Look,
    legend_columns,
    new_figure,
    wrapped,
)
from passband.options import Name

WITHOUT_DC = (0, (4, 1.5))  # line style

Arrays = Mapping[str, np.ndarray]  # the arrays that the probe kept of one model


@FIGURES.register("spectrum_grid")
def spectrum_grid(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="perturbation_spectrum")]
) -> Figure:
    """Mean spectra of perturbations, a row per data set and a column per method; beside them
    amplitude by distance and energy by square, with and without the DC component (first seed).

    Args:
        probe: the probe that measured the spectra.
    """
    entries = first_seeds(artifact.models)
    arrays = {key: probe_arrays(entry, probe) for key, entry in entries.items()}
    trained = {
        key: training_bandwidth(entry, arrays[key]["spectrum"].shape[0])
        for key, entry in entries.items()
    }
    return draw_spectra(arrays, artifact.looks(method for _, method in entries), trained)


def draw_spectra(
    arrays: Mapping[tuple[str, str], Arrays],
    looks: Mapping[str, Look],
    trained: Mapping[tuple[str, str], int | None],
) -> Figure:
    """Mean spectra on one log scale, and curves of each data set's methods.

    Args:
        arrays: (dataset title, method) to arrays of the probe: spectrum [H, W] > 0 with the DC
            component at [H//2, W//2], amplitude_by_radius [H/2 + 1, N], bandwidths [K],
            energy_share [K, N] and dc_share [N].
        looks: method to look.
        trained: (dataset title, method) to the bandwidth of the model's training images, whose
            square is outlined; None for a model trained on images as they are.
    """
    datasets, methods = in_order([dataset for dataset, _ in arrays]), list(looks)
    figure = new_figure(PAGE, 0.95 + 1.5 * len(datasets))
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)
    grid = figure.subplots(
        len(datasets),
        len(methods) + 2,
        squeeze=False,
        gridspec_kw={"width_ratios": [1] * len(methods) + [1.15, 1.15]},
    )
    scale = log_scale([one["spectrum"] for one in arrays.values()])
    planes = []
    for number, (row, dataset) in enumerate(zip(grid, datasets, strict=True)):
        for axes, method in zip(row, methods, strict=False):
            if (dataset, method) not in arrays:
                axes.set_axis_off()
                continue
            planes.append(axes)
            image = draw_plane(axes, arrays[dataset, method]["spectrum"], scale, MAGNITUDES)
            if trained.get((dataset, method)):
                outline(axes, trained[dataset, method], "white")
            if number == 0:
                axes.set_title(wrapped(looks[method].label, 20))
            if number == len(datasets) - 1:
                axes.set_xlabel("column frequency")
            axes.tick_params(labelleft=axes is row[0])
        row[0].set_ylabel(f"{wrapped(dataset, 22)}\nrow frequency")
        here = {
            method: arrays[dataset, method] for method in methods if (dataset, method) in arrays
        }
        _by_distance(row[-2], here, looks)
        _by_square(row[-1], here, looks)
    for axes, title in zip(grid[0, -2:], ("by distance from DC", "energy by square"), strict=True):
        axes.set_title(title)
    grid[-1, -2].set_xlabel("distance, DC = 0")
    grid[-1, -1].set_xlabel("side k of the square")
    bar = figure.colorbar(
        image, ax=planes, label="mean |F(δ)|; axes in cycles per image", extend="both",
        location="bottom", shrink=0.7, aspect=40,
    )  # fmt: skip
    log_ticks(bar)
    _legend(figure, looks)
    return figure


def _by_distance(axes: Axes, here: Mapping[str, Arrays], looks: Mapping[str, Look]) -> None:
    """Mean amplitude from distance 1 on; that of the DC component apart from the line."""
    for method, arrays in here.items():
        _, colour, marker = looks[method]
        direct, *others = means(arrays["amplitude_by_radius"])
        line(axes, range(1, len(others) + 1), others, colour, marker, ms=2)
        line(axes, [0], [direct], colour, marker, ms=4.5, mfc="white")
    log_axis(axes)
    axes.set_ylabel("mean |F(δ)|")


def _by_square(axes: Axes, here: Mapping[str, Arrays], looks: Mapping[str, Look]) -> None:
    """Share of the energy inside the central square, of all energy and of all but the DC's."""
    for method, arrays in here.items():
        _, colour, marker = looks[method]
        share, direct = arrays["energy_share"].astype(float), arrays["dc_share"].astype(float)
        side, left = arrays["bandwidths"], direct < 1
        line(axes, side, means(100 * share), colour, marker, ms=2)
        if left.any():  # else every perturbation is the same in all pixels
            rest = (share[:, left] - direct[left]) / (1 - direct[left])
            line(axes, side, means(100 * rest), colour, marker, ms=2, ls=WITHOUT_DC)
    axes.plot(side, 100 * (side / side[-1]) ** 2, **LEVEL_LINE)
    axes.set_ylim(0, 102)
    axes.set_ylabel("energy inside (%)")


def _legend(figure: Figure, looks: Mapping[str, Look]) -> None:
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, label=look.label)
        for look in looks.values()
    ]
    handles += [
        Line2D([], [], color=GREY, marker="o", mfc="white", ls="", label="DC component"),
        Line2D([], [], color=GREY, ls=WITHOUT_DC, label="without DC"),
        Line2D([], [], **LEVEL_LINE, label="flat spectrum"),
        interval_key(),
    ]
    columns = legend_columns([handle.get_label() for handle in handles], PAGE)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.2)
