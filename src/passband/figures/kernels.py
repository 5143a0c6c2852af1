"""Kernels of a convolution as they are, and their frequencies."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import Artifact
from passband.figures.planes import SPECTRUM_COLOURS, enlarged
from passband.figures.style import GREY, PAGE, Look, new_figure
from passband.options import Name

WEIGHT_COLOURS = "RdBu_r"
CHANNELS = {1: ["grey"], 3: ["red", "green", "blue"]}  # names of input channels, by their number
MOST_CHANNELS, MOST_KERNELS = 3, 16
NOISE = 2 / np.pi**0.5  # total variation of independent normal weights
PIXELS, GAP = 12, 5  # of a weight, and between kernels

Arrays = Mapping[str, np.ndarray]  # the arrays that the probe kept of one model


@FIGURES.register("kernel_grid")
def kernel_grid(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="kernels")]
) -> Figure:
    """The weights of one convolution of each model (first seed).

    Args:
        probe: the probe that stored the kernels.
    """
    return draw_kernels(*_kernels(artifact, probe))


@FIGURES.register("kernel_frequencies")
def kernel_frequencies(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="kernels")]
) -> Figure:
    """Frequencies of the kernels of one convolution, and of all layers (first seed).

    Args:
        probe: the probe that stored the kernels, with `all_layers: true`.
    """
    return draw_kernel_frequencies(*_kernels(artifact, probe))


def _kernels(artifact: Artifact, probe: str) -> tuple[dict[str, Arrays], dict[str, Look]]:
    entries = first_seeds(artifact.models).values()
    kernels = {entry["method"]: probe_arrays(entry, probe) for entry in entries}
    return kernels, artifact.looks(kernels)


def draw_kernels(kernels: Mapping[str, Arrays], looks: Mapping[str, Look]) -> Figure:
    """Kernels of each model, a row per input channel and a column per kernel, models stacked.

    At most 3 channels and 16 kernels are drawn, and the axes say so; each model has its own scale,
    symmetric about zero.

    Args:
        kernels: method to arrays of the probe: weights [c_out, c_in, k, k] and total_variation
            [c_out].
        looks: method to look.
    """
    shapes = [arrays["weights"].shape for arrays in kernels.values()]
    rows = min(max(shape[1] for shape in shapes), MOST_CHANNELS)
    columns = min(max(shape[0] for shape in shapes), MOST_KERNELS)
    cell = min(0.42, (PAGE - 1.1) / columns)
    height = len(kernels) * (cell * rows + 0.42) + 0.2
    figure = new_figure(cell * columns + 1.1, height, layout="compressed")
    panels = figure.subplots(len(kernels), 1, squeeze=False)[:, 0]
    for axes, (method, arrays) in zip(panels, kernels.items(), strict=True):
        variation = np.nanmean(arrays["total_variation"])
        axes.set_title(
            f"{looks[method].label}: total variation {variation:.2f} (of noise {NOISE:.2f})"
        )
        _draw_kernels(figure, axes, arrays["weights"])
    count = shapes[0][0]
    panels[-1].set_xlabel(
        "kernel" if count <= MOST_KERNELS else f"kernel (the first {MOST_KERNELS} of {count})"
    )
    return figure


def draw_kernel_frequencies(kernels: Mapping[str, Arrays], looks: Mapping[str, Look]) -> Figure:
    """|DFT| along the flattened kernels of a layer by model; high frequencies' share by layer.

    Args:
        kernels: method to arrays of the probe with `all_layers`: frequency_map
            [c_out, c_in * k * k], high_share [c_out], high_share_by_layer [layers] and
            frequency_map_<layer>, all in 0..1 but the amplitudes.
        looks: method to look.

    Raises:
        UserError: the probe kept one layer only.
    """
    methods = list(kernels)
    figure = new_figure(PAGE, 4.0)
    grid = figure.add_gridspec(2, len(methods), height_ratios=[1.25, 1])
    below = figure.add_subplot(grid[1, :])
    for place, (method, arrays) in enumerate(kernels.items()):
        name, colour, marker = looks[method]
        axes = figure.add_subplot(grid[0, place])
        _draw_map(figure, axes, arrays["frequency_map"])
        share = 100 * np.nanmean(arrays["high_share"])
        axes.set_title(f"{name}: {share:.0f} % of the energy in the middle half")
        if place == 0:
            axes.set_ylabel("kernel")
        by_layer = 100 * arrays["high_share_by_layer"]
        layers = np.arange(1, len(by_layer) + 1)
        below.plot(layers, by_layer, color=colour, marker=marker, label=name)
    flat = 100 * flat_share(next(iter(kernels.values())))
    below.plot(
        np.arange(1, len(flat) + 1), flat, color=GREY, lw=0.8, ls=(0, (4, 3)), label="flat spectrum"
    )
    below.set_xlabel("convolution, in the order of the network")
    below.set_ylabel("energy in the\nmiddle half (%)")
    below.xaxis.get_major_locator().set_params(integer=True)
    below.set_ylim(0, 1.15 * below.get_ylim()[1])
    below.legend(loc="best", ncols=len(methods) + 1)
    return figure


def flat_share(arrays: Arrays) -> np.ndarray:
    """By layer, the share of the indices that are in the middle half: that of a flat spectrum."""
    layers = len(arrays["high_share_by_layer"])
    names = [f"frequency_map_{layer}" for layer in range(layers)]
    if not all(name in arrays for name in names):
        raise UserError(
            "the figure compares all layers: give its probe `all_layers: true` in "
            "config/probes.yaml."
        )
    return np.array([np.mean(_middle(arrays[name].shape[1])) for name in names])


def _draw_kernels(figure: Figure, axes: Axes, weights: np.ndarray) -> None:
    shown = weights[:MOST_KERNELS, :MOST_CHANNELS].swapaxes(0, 1)
    limit = float(np.abs(shown).max()) or 1.0
    pitch = PIXELS * weights.shape[-1] + GAP
    drawn = axes.imshow(
        tiled(shown),
        norm=Normalize(-limit, limit),
        cmap=colormaps[WEIGHT_COLOURS].with_extremes(bad="white"),
    )
    figure.colorbar(drawn, ax=axes, label="weight", aspect=12, pad=0.01)
    middle = (pitch - GAP - 1) / 2
    kernels = range(shown.shape[1])
    axes.set_xticks([middle + pitch * kernel for kernel in kernels], [str(k + 1) for k in kernels])
    count = weights.shape[1]
    names = CHANNELS.get(count, [f"channel {number + 1}" for number in range(shown.shape[0])])
    axes.set_yticks([middle + pitch * row for row in range(shown.shape[0])], names)
    if count > MOST_CHANNELS:
        axes.set_ylabel(f"the first {MOST_CHANNELS} of\n{count} input channels")
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def tiled(kernels: np.ndarray) -> np.ndarray:
    """One picture of [rows, columns, k, k], weights enlarged, with NaN between the kernels."""
    large = kernels.repeat(PIXELS, axis=2).repeat(PIXELS, axis=3)
    apart = np.pad(large, [(0, 0), (0, 0), (0, GAP), (0, GAP)], constant_values=np.nan)
    rows, columns, height, width = apart.shape
    picture = apart.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    return picture[:-GAP, :-GAP]


def _draw_map(figure: Figure, axes: Axes, amplitudes: np.ndarray) -> None:
    kernels, length = amplitudes.shape
    extent = (-0.5, length - 0.5, kernels + 0.5, 0.5)
    norm = Normalize(0, float(amplitudes.max()) or 1.0)
    drawn = axes.imshow(
        enlarged(amplitudes), norm=norm, cmap=SPECTRUM_COLOURS, extent=extent, aspect="auto"
    )
    figure.colorbar(drawn, ax=axes, label="|DFT|", aspect=18, pad=0.02)
    middle = np.flatnonzero(_middle(length))
    for edge in (middle[0] - 0.5, middle[-1] + 0.5):
        axes.axvline(edge, color="white", lw=0.9, ls=(0, (4, 2)))
    axes.set_xticks([0, length / 2, length - 1], ["low", "high", "low"])
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(f"frequency along the {length} weights of a kernel")
    axes.grid(False)


def _middle(length: int) -> np.ndarray:
    """Which indices of the axis are in the middle half: [length] of bool."""
    index = np.arange(length)
    return 4 * np.minimum(index, length - index) >= length
