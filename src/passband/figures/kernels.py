"""Kernels of a convolution as they are, and their frequencies."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from passband.errors import UserError
from passband.figures import FIGURES
from passband.figures.lines import interval_key, line, stated
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import Artifact
from passband.figures.planes import enlarged
from passband.figures.style import (
    LEVEL_LINE,
    MAGNITUDES,
    PAGE,
    SIGNED,
    Look,
    legend_columns,
    new_figure,
    wrapped,
)
from passband.intervals.estimates import Interval, sample_interval
from passband.options import Name

CHANNELS = {1: ["grey"], 3: ["red", "green", "blue"]}  # names of input channels, by their number
MOST_CHANNELS, MOST_KERNELS = 3, 16
NOISE = 2 / np.pi**0.5  # total variation of independent normal weights
PIXELS, GAP = 12, 5  # of a weight, and between kernels
ONE_LINE, TWO_LINES = 6.0, 3.3  # widths in inches of what is said of a model's kernels
LINE = 0.17  # height in inches of a line of it

Arrays = Mapping[str, np.ndarray]  # the arrays that the probe kept of one model


@FIGURES.register("kernel_grid")
def kernel_grid(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="kernels")],
    own_scales: bool = False,
) -> Figure:
    """The weights of one convolution of each model (first seed).

    Args:
        probe: the probe that stored the kernels.
        own_scales: give each model its own colour scale, for weights of very different size.
    """
    return draw_kernels(*_kernels(artifact, probe), own_scales)


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


def draw_kernels(
    kernels: Mapping[str, Arrays], looks: Mapping[str, Look], own_scales: bool = False
) -> Figure:
    """Kernels of each model, a row per input channel and a column per kernel, models stacked.

    At most 3 channels and 16 kernels are drawn, and the axes say so; scales are symmetric about
    zero.

    Args:
        kernels: method to arrays of the probe: weights [c_out, c_in, k, k], total_variation and
            sign_agreement [c_out].
        looks: method to look.
        own_scales: give each model its own colour scale instead of a common one.
    """
    shapes = [arrays["weights"].shape for arrays in kernels.values()]
    rows = min(max(shape[1] for shape in shapes), MOST_CHANNELS)
    columns = min(max(shape[0] for shape in shapes), MOST_KERNELS)
    cell = max(min(0.42, (PAGE - 1.1) / columns), TWO_LINES / columns)
    one_line = cell * columns > ONE_LINE
    height = len(kernels) * (cell * rows + 0.57 + (0 if one_line else LINE)) + 0.2
    figure = new_figure(cell * columns + 1.1, height, layout="compressed")
    panels = figure.subplots(len(kernels), 1, squeeze=False)[:, 0]
    limits = [float(np.abs(_shown(one["weights"])).max()) or 1.0 for one in kernels.values()]
    if not own_scales:
        limits = [max(limits)] * len(limits)
    for axes, (method, arrays), limit in zip(panels, kernels.items(), limits, strict=True):
        words = ("; " if one_line else ";\n").join(_smoothness(arrays))
        axes.set_title(f"{looks[method].label}\n{words}")
        drawn = _draw_kernels(axes, arrays["weights"], limit)
        if own_scales:
            figure.colorbar(drawn, ax=axes, label="weight", pad=0.01)
    if not own_scales:
        figure.colorbar(drawn, ax=list(panels), label="weight", aspect=24, pad=0.01)
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
    figure = new_figure(PAGE, 4.2)
    grid = figure.add_gridspec(2, len(kernels), height_ratios=[1.25, 1])
    largest = max(float(one["frequency_map"].max()) for one in kernels.values()) or 1.0
    maps = []
    below = figure.add_subplot(grid[1, :])
    for place, (method, arrays) in enumerate(kernels.items()):
        name, colour, marker = looks[method]
        axes = figure.add_subplot(grid[0, place])
        drawn = _draw_map(axes, arrays["frequency_map"], largest)
        maps.append(axes)
        share = stated(sample_interval([100 * arrays["high_share"]]), ".0f")
        axes.set_title(f"{wrapped(name, 44)}\nenergy in the middle half {share} %")
        if place == 0:
            axes.set_ylabel("kernel")
        layers = range(1, len(arrays["high_share_by_layer"]) + 1)
        line(below, layers, shares_by_layer(arrays), colour, marker, label=name)
    figure.colorbar(drawn, ax=maps, label="|DFT|", aspect=18, pad=0.02)
    flat = 100 * flat_share(next(iter(kernels.values())))
    below.plot(np.arange(1, len(flat) + 1), flat, **LEVEL_LINE, label="flat spectrum")
    below.set_xlabel("convolution, in the order of the network")
    below.set_ylabel("energy in the\nmiddle half (%)")
    below.xaxis.get_major_locator().set_params(integer=True)
    below.set_ylim(0, 1.1 * below.get_ylim()[1])
    handles, _ = below.get_legend_handles_labels()
    handles.append(interval_key())
    columns = legend_columns([handle.get_label() for handle in handles], PAGE)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


def shares_by_layer(arrays: Arrays) -> list[Interval]:
    """By layer, the mean over kernels of the share in percent of their energy in the middle half.

    Raises:
        UserError: the probe kept one layer only.
    """
    shares = []
    for amplitudes in _maps(arrays):
        energy = amplitudes.astype(float) ** 2
        total = energy.sum(1)
        inside = energy[:, _middle(energy.shape[1])].sum(1)
        shares.append(100 * inside[total > 0] / total[total > 0])
    return [sample_interval([share]) for share in shares]


def flat_share(arrays: Arrays) -> np.ndarray:
    """By layer, the share of the indices that are in the middle half: that of a flat spectrum."""
    return np.array([np.mean(_middle(one.shape[1])) for one in _maps(arrays)])


def _maps(arrays: Arrays) -> list[np.ndarray]:
    layers = len(arrays["high_share_by_layer"])
    names = [f"frequency_map_{layer}" for layer in range(layers)]
    if not all(name in arrays for name in names):
        raise UserError(
            "the figure compares all layers: give its probe `all_layers: true` in "
            "config/probes.yaml."
        )
    return [arrays[name] for name in names]


def _smoothness(arrays: Arrays) -> tuple[str, str]:
    """Two measures of smoothness in words, with their intervals over kernels."""
    variation = sample_interval([arrays["total_variation"]])
    signs = sample_interval([100 * arrays["sign_agreement"]])
    signs = signs._replace(low=max(0.0, signs.low), high=min(100.0, signs.high))
    return (
        f"total variation {stated(variation, '.2f')} (noise: {NOISE:.2f})",
        f"neighbours of the same sign {stated(signs, '.0f')} % (noise: 50 %)",
    )


def _shown(weights: np.ndarray) -> np.ndarray:
    return weights[:MOST_KERNELS, :MOST_CHANNELS].swapaxes(0, 1)


def _draw_kernels(axes: Axes, weights: np.ndarray, limit: float) -> AxesImage:
    shown = _shown(weights)
    pitch = PIXELS * weights.shape[-1] + GAP
    drawn = axes.imshow(
        tiled(shown),
        norm=Normalize(-limit, limit),
        cmap=colormaps[SIGNED].with_extremes(bad="white"),
    )
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
    return drawn


def tiled(kernels: np.ndarray) -> np.ndarray:
    """One picture of [rows, columns, k, k], weights enlarged, with NaN between the kernels."""
    large = kernels.repeat(PIXELS, axis=2).repeat(PIXELS, axis=3)
    apart = np.pad(large, [(0, 0), (0, 0), (0, GAP), (0, GAP)], constant_values=np.nan)
    rows, columns, height, width = apart.shape
    picture = apart.transpose(0, 2, 1, 3).reshape(rows * height, columns * width)
    return picture[:-GAP, :-GAP]


def _draw_map(axes: Axes, amplitudes: np.ndarray, largest: float) -> AxesImage:
    kernels, length = amplitudes.shape
    extent = (-0.5, length - 0.5, kernels + 0.5, 0.5)
    norm = Normalize(0, largest)
    drawn = axes.imshow(
        enlarged(amplitudes), norm=norm, cmap=MAGNITUDES, extent=extent, aspect="auto"
    )
    middle = np.flatnonzero(_middle(length))
    for edge in (middle[0] - 0.5, middle[-1] + 0.5):
        axes.axvline(edge, color="white", lw=0.9, ls=(0, (4, 2)))
    axes.set_xticks([0, length / 2, length - 1], ["low", "high", "low"])
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel(f"frequency along the {length} weights of a kernel")
    axes.grid(False)
    return drawn


def _middle(length: int) -> np.ndarray:
    """Which indices of the axis are in the middle half: [length] of bool."""
    index = np.arange(length)
    return 4 * np.minimum(index, length - index) >= length
