"""Spectra of clean images, of attacked images and of their difference."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from passband.figures import FIGURES
from passband.figures.lines import interval_key, line, means
from passband.figures.load import first_seeds, probe_arrays, probe_metadata
from passband.figures.notebook import Artifact
from passband.figures.planes import draw_plane, log_axis, log_scale, log_ticks, outline
from passband.figures.style import ATTACK, INK, LEVEL_LINE, MAGNITUDES, PAGE, SMALLEST, new_figure
from passband.intervals.estimates import mean_interval
from passband.options import Name

# What is shown: name in the arrays, colour, marker, line style.
SHOWN = (
    ("clean", INK, "o", "-"),
    ("adversarial", ATTACK, "v", (0, (4, 1.5))),
    ("difference", ATTACK, "D", (0, (1, 1))),
)


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
    """Three frequency planes on one log scale, and amplitude by distance from the DC component.

    Args:
        arrays: of the probe: spectrum_<name> [H, W], energy_share_<name> [N] and dc_share_<name>
            [N] in 0..1 and amplitude_by_radius_<name> [H/2 + 1, N], name clean, adversarial and
            difference.
        bandwidth: side of the central square whose share of the energy is given below.
        attack_title: title of the attacked images.
    """
    titles = ("clean", attack_title, "difference")
    figure = new_figure(PAGE, 2.8)
    figure.get_layout_engine().set(w_pad=0.03)
    *planes, profile = figure.subplots(1, 4, gridspec_kw={"width_ratios": [1, 1, 1, 1.15]})
    scale = log_scale([arrays[f"spectrum_{name}"] for name, *_ in SHOWN])
    for axes, title, (name, colour, marker, style) in zip(planes, titles, SHOWN, strict=True):
        shown = draw_plane(axes, arrays[f"spectrum_{name}"], scale, MAGNITUDES)
        outline(axes, bandwidth, "white")
        axes.set_title(title)
        axes.set_xlabel(f"column frequency\n{_inside(arrays, name)}", fontsize=SMALLEST)
        if axes is not planes[0]:
            axes.tick_params(labelleft=False)
        direct, *others = means(arrays[f"amplitude_by_radius_{name}"])
        apart = {"ms": 4.5, "mfc": "white"}
        line(profile, range(1, len(others) + 1), others, colour, marker, ls=style, ms=2)
        line(profile, [0], [direct], colour, marker, **apart)
        profile.plot([], [], color=colour, marker=marker, ls=style, label=title)
    planes[0].set_ylabel("row frequency")
    bar = figure.colorbar(
        shown, ax=planes, label="mean |F|, one scale; axes in cycles per image", extend="both",
        location="bottom", shrink=0.7, aspect=40,
    )  # fmt: skip
    log_ticks(bar)
    log_axis(profile)
    profile.axvline(bandwidth / 2, **LEVEL_LINE)
    profile.set_xlabel("distance from DC (hollow)")
    profile.set_ylabel("mean |F|")
    handles, _ = profile.get_legend_handles_labels()
    handles += [Line2D([], [], **LEVEL_LINE, label="edge of the square"), interval_key()]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


def _inside(arrays: Mapping[str, np.ndarray], name: str) -> str:
    """The share of the energy inside the square, and that of all energy but the DC component's."""
    share, direct = (arrays[f"{kind}_share_{name}"].astype(float) for kind in ("energy", "dc"))
    rest = np.where(direct < 1, (share - direct) / np.maximum(1 - direct, 1e-12), np.nan)
    words = []
    for text, shares in (("energy inside", share), ("without DC", rest)):
        one = mean_interval(100 * shares)
        words.append(f"{text} {one.effect:.1f} % [{one.low:.0f}, {one.high:.0f}]")
    return "\n".join(words)
