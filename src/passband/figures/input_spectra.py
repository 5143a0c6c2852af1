"""Spectra of clean images, of attacked images and of their difference."""

import math
from collections.abc import Mapping
from typing import Annotated

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from passband.figures import FIGURES
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.planes import SPECTRUM_COLOURS, draw_plane, outline
from passband.figures.style import PAGE, new_figure
from passband.options import Name

# What is shown: name in the arrays, colour, line style.
SHOWN = (
    ("clean", "#0072b2", "-"),
    ("adversarial", "#d55e00", (0, (4, 1.5))),
    ("difference", "#000000", (0, (1, 1))),
)
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@FIGURES.register("input_spectra")
def input_spectra(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="input_spectra")],
    attack_title: str,
) -> Figure:
    """Spectra of clean images, of attacked images and of their difference (first model and seed).

    Args:
        probe: the probe that measured the spectra.
        attack_title: name of the attack in the figure.
    """
    entry = next(iter(first_seeds(artifact.models).values()))
    bandwidth = probe_metadata(entry, probe)["bandwidth"]
    return draw_input_spectra(probe_arrays(entry, probe), bandwidth, attack_title)


def draw_input_spectra(
    arrays: Mapping[str, np.ndarray], bandwidth: int, attack_title: str
) -> Figure:
    """Three frequency planes from 0 to 1, and amplitude by distance from the DC component.

    Args:
        arrays: of the probe: spectrum_<name> [H, W], energy_share_<name> [N] in 0..1 and
            amplitude_by_radius_<name> [H/2 + 1, N], name clean, adversarial and difference.
        bandwidth: side of the central square whose share of the energy the titles give.
        attack_title: title of the attacked images.
    """
    titles = ("clean", attack_title, "difference")
    figure = new_figure(PAGE, 2.35)
    figure.get_layout_engine().set(w_pad=0.03)
    *planes, profile = figure.subplots(1, 4, gridspec_kw={"width_ratios": [1, 1, 1, 1.15]})
    for axes, title, (name, colour, style) in zip(planes, titles, SHOWN, strict=True):
        shown = draw_plane(
            axes, normalised(arrays[f"spectrum_{name}"]), Normalize(0, 1), SPECTRUM_COLOURS
        )
        outline(axes, bandwidth, "white")
        share = 100 * arrays[f"energy_share_{name}"].mean()
        axes.set_title(f"{title}\nenergy inside: {share:.1f} %", fontsize=7.5)
        axes.set_xlabel("column frequency")
        if axes is not planes[0]:
            axes.tick_params(labelleft=False)
        amplitude = arrays[f"amplitude_by_radius_{name}"].mean(1)
        profile.plot(amplitude, color=colour, ls=style, label=title)
    planes[0].set_ylabel("row frequency\n(cycles per image)")
    figure.colorbar(
        shown, ax=planes, label="log(1 + |F|), each panel from 0 to 1", location="bottom",
        shrink=0.6, aspect=40,
    )  # fmt: skip
    _finish_profile(profile, bandwidth)
    return figure


def normalised(spectrum: np.ndarray) -> np.ndarray:
    """log(1 + amplitude), moved and scaled to 0..1; a flat spectrum gives 0."""
    shown = np.log1p(spectrum)
    span = shown.max() - shown.min()
    return (shown - shown.min()) / span if span > 0 else np.zeros_like(shown)


def power_of_ten(value: float, _: object = None) -> str:
    """A power of ten as axes name it.

    >>> power_of_ten(100.0), power_of_ten(0.001)
    ('10²', '10⁻³')
    """
    return "10" + str(round(math.log10(value))).translate(RAISED)


def _finish_profile(axes: Axes, bandwidth: int) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(power_of_ten)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.axvline(bandwidth / 2, color="#5f6368", lw=0.8, ls=(0, (4, 3)), zorder=0)
    axes.set_xlabel("distance from the DC component")
    axes.set_ylabel("mean |F|")
    axes.set_title("by distance", fontsize=7.5)
    axes.legend(fontsize=6.5, handlelength=2.2, frameon=True, framealpha=1, edgecolor="none")
