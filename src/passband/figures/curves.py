"""Accuracy against bandwidth."""

from typing import TYPE_CHECKING

from passband.figures.load import in_order
from passband.figures.style import COLUMN, GREY, PAGE, method_look, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What is band limited in a panel of `band_curves`: label, colour, marker.
BANDS = {
    "lowpass": ("low-pass perturbation", "#d55e00", "v"),
    "highpass": ("high-pass perturbation", "#56b4e9", "^"),
    "standard": ("low-pass images, no attack", "#3c4043", "o"),
}

PRINTED = {"lw": 0.9, "ls": ":", "zorder": 1}
TRAINING = {"color": GREY, "lw": 0.8, "ls": (0, (4, 3)), "zorder": 0}


def lowpass_curves(
    lowpass: "pd.DataFrame",
    attacked: "pd.DataFrame",
    reference: "pd.DataFrame | None" = None,
    training_fraction: float | None = 0.5,
) -> "Figure":
    """One panel per data set: accuracy of low-pass images, a curve per method, and under PGD-20.

    lowpass: rows of `intervals.over_seeds` with dataset_title, paper_dataset_title, method and
        bandwidth; attacked: the same without bandwidth, drawn as markers right of the curves.
    reference: `reference.read_lowpass_reference`; its curves are dotted, None leaves them out.
    training_fraction: bandwidth over side of the L-model's training images, a dashed line.
    """
    datasets = in_order(lowpass["dataset_title"])
    methods = in_order(lowpass["method"])
    training = bool(training_fraction) and "L-model" in methods
    width = PAGE if len(datasets) > 1 else 1.3 * COLUMN
    figure = new_figure(width, 2.6 if len(datasets) > 1 else 3.0)
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    for axes, dataset in zip(panels, datasets, strict=True):
        here = lowpass[lowpass["dataset_title"] == dataset]
        side = here["bandwidth"].max()
        for place, method in enumerate(methods):
            look = method_look(method, methods)
            curve = here[here["method"] == method]
            _curve(axes, curve, *look)
            apart = 0.04 * (place - (len(methods) - 1) / 2)
            _attacked(axes, attacked, dataset, method, (1.2 + apart) * side, look)
            if reference is not None:
                _dotted(axes, reference, here, method, side, look[1])
        if training:
            axes.axvline(training_fraction * side, **TRAINING)
        axes.axvline(1.09 * side, color="#3c4043", lw=0.6)
        ticks = [tick for tick in here["bandwidth"].unique() if (8 * tick / side) % 2 == 0]
        axes.set_xticks([*ticks, 1.2 * side], [*(f"{tick:.0f}" for tick in ticks), "PGD-20"])
        axes.set_xlim(0.06 * side, 1.31 * side)
        axes.set_title(_panel_title(dataset, here, reference))
        axes.set_xlabel("low-pass bandwidth k")
    _percent(panels[0], "accuracy (%)")
    _legend(figure, panels[0], reference is not None, training)
    return figure


def band_curves(bands: "pd.DataFrame", standard: "pd.DataFrame") -> "Figure":
    """A panel per data set (rows) and method (columns): accuracy when a band is kept.

    bands: rows of `intervals.over_seeds` with dataset_title, method, perturbation_filter
        (lowpass or highpass: what is done to the perturbation) and bandwidth.
    standard: accuracy of low-pass filtered images without an attack, with bandwidth.
    """
    datasets, methods = in_order(bands["dataset_title"]), in_order(bands["method"])
    width = {1: 1.2 * COLUMN, 2: 1.6 * COLUMN}.get(len(methods), PAGE)
    figure = new_figure(width, 0.75 + 1.75 * len(datasets))
    panels = figure.subplots(len(datasets), len(methods), sharex="row", sharey=True, squeeze=False)
    for row, dataset in zip(panels, datasets, strict=True):
        for axes, method in zip(row, methods, strict=True):
            here = bands[(bands["dataset_title"] == dataset) & (bands["method"] == method)]
            for kept in ("lowpass", "highpass"):
                _curve(axes, here[here["perturbation_filter"] == kept], *BANDS[kept])
            clean = (standard["dataset_title"] == dataset) & (standard["method"] == method)
            _curve(axes, standard[clean], *BANDS["standard"])
            if len(here):
                side = here["bandwidth"].max()
                axes.set_xticks([side * part / 4 for part in range(5)])
            if axes in panels[0]:
                axes.set_title(method_look(method, methods)[0])
        _percent(row[0], f"{dataset}\naccuracy (%)")
    for axes in panels[-1]:
        axes.set_xlabel("bandwidth k that is kept")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3 if len(methods) > 1 else 1)
    return figure


def _curve(axes: "Axes", rows: "pd.DataFrame", label: str, colour: str, marker: str) -> None:
    rows = rows.sort_values("bandwidth")
    axes.fill_between(
        rows["bandwidth"], rows["ci_low"], rows["ci_high"], color=colour, alpha=0.18, lw=0
    )
    axes.plot(rows["bandwidth"], rows["value"], color=colour, marker=marker, label=label)


def _attacked(
    axes: "Axes",
    attacked: "pd.DataFrame",
    dataset: str,
    method: str,
    x: float,
    look: tuple[str, str, str],
) -> None:
    one = attacked[(attacked["dataset_title"] == dataset) & (attacked["method"] == method)]
    errors = [one["value"] - one["ci_low"], one["ci_high"] - one["value"]]
    axes.errorbar(
        [x] * len(one),
        one["value"],
        yerr=errors,
        color=look[1],
        marker=look[2],
        ls="",
        elinewidth=1,
    )


def _dotted(
    axes: "Axes",
    reference: "pd.DataFrame",
    here: "pd.DataFrame",
    method: str,
    side: float,
    colour: str,
) -> None:
    paper = reference["paper_dataset_title"] == here["paper_dataset_title"].iloc[0]
    rows = reference[paper & (reference["method"] == method)].dropna(subset="fraction")
    axes.plot(rows["fraction"] * side, rows["paper_value"], color=colour, **PRINTED)


def _panel_title(dataset: str, here: "pd.DataFrame", reference: "pd.DataFrame | None") -> str:
    paper = here["paper_dataset_title"].iloc[0]
    if reference is None or paper == dataset:
        return dataset
    return f"{dataset} (paper: {paper})"


def _percent(axes: "Axes", label: str) -> None:
    axes.set_ylim(-3, 103)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel(label)


def _legend(figure: "Figure", axes: "Axes", dotted: bool, training: bool) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if dotted:
        handles += axes.plot([], [], color=GREY, **PRINTED)
        labels.append("printed in the paper")
    if training:
        handles += axes.plot([], [], **TRAINING)
        labels.append("training bandwidth of the L-model")
    columns = len(labels) if len(figure.axes) > 1 else 3
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, columnspacing=1.2)
