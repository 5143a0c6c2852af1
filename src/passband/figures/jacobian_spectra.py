"""Spectra of images and of the Jacobians of models trained on them."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from passband.figures import FIGURES
from passband.figures.lines import stated
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import Artifact
from passband.figures.planes import BAR, enlarged, log_scale, log_ticks
from passband.figures.style import GREY, MAGNITUDES, PAGE, SMALLEST, Look, new_figure, wrapped
from passband.intervals.estimates import mean_interval
from passband.options import Name

ROWS = (("_images", "images", "F(x)"), ("", "Jacobians", "F(J)"))  # in the arrays, in words


@FIGURES.register("jacobian_spectra")
def jacobian_spectra(
    artifact: Artifact, *, probe: Annotated[str, Name("probe", of="jacobian_spectrum")]
) -> Figure:
    """Mean spectra of images above those of the Jacobians of a model, a column per data set and
    method (first seed).

    Args:
        probe: the probe that measured the spectra.
    """
    entries = first_seeds(artifact.models)
    arrays = {key: probe_arrays(entry, probe) for key, entry in entries.items()}
    return draw_jacobian_spectra(arrays, artifact.looks(method for _, method in entries))


def draw_jacobian_spectra(
    arrays: Mapping[tuple[str, str], Mapping[str, np.ndarray]], looks: Mapping[str, Look]
) -> Figure:
    """Two rows of planes with the DC component at the top left, each row on one log scale.

    Args:
        arrays: (dataset title, method) to arrays of the probe: spectrum and spectrum_images
            [1 + H // 2, 1 + W // 2], bias and bias_images [N].
        looks: method to look.
    """
    cell = min(1.9, (PAGE - 1.4) / len(arrays))
    figure = new_figure(cell * len(arrays) + 1.4, 2 * cell + 1.2, layout="compressed")
    grid = figure.subplots(2, len(arrays), squeeze=False)
    for number, (ending, title, symbol) in enumerate(ROWS):
        panels = grid[number]
        scale = log_scale([one[f"spectrum{ending}"] for one in arrays.values()])
        for axes, ((dataset, method), one) in zip(panels, arrays.items(), strict=True):
            drawn = draw_quadrant(axes, one[f"spectrum{ending}"], scale)
            bias = stated(mean_interval(one[f"bias{ending}"].astype(float)), ".2f")
            label = rf"log $\mathrm{{B_{{low}}}}$ {bias}"
            axes.set_xlabel(label, fontsize=SMALLEST, color=GREY, parse_math=True)
            axes.set_title(wrapped(looks[method].model if number else dataset, 24))
        panels[0].set_ylabel(f"{title}\nrow frequency")
        log_ticks(figure.colorbar(drawn, ax=list(panels), label=f"mean |{symbol}|", **BAR))
    count = sum(one["spectrum"].shape)
    figure.supxlabel(
        f"column frequency (cycles per image); a flat spectrum has log {count} = "
        f"{np.log(count):.2f}",
        fontsize=SMALLEST,
    )
    return figure


def draw_quadrant(axes: Axes, plane: np.ndarray, scale: Normalize) -> AxesImage:
    """Draw a one-sided spectrum [1 + H // 2, 1 + W // 2], its DC component at the top left."""
    rows, columns = plane.shape
    axes.grid(False)
    axes.set_xticks([0, (columns - 1) // 2, columns - 1])
    axes.set_yticks([0, (rows - 1) // 2, rows - 1])
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    return axes.imshow(enlarged(plane), norm=scale, cmap=MAGNITUDES, extent=extent)
