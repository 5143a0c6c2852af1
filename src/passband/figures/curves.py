"""Accuracy against bandwidth."""

from typing import TYPE_CHECKING, Annotated

from passband.figures import FIGURES
from passband.figures.lines import interval_key, intervals_of, line, point
from passband.figures.load import in_order, read_measurements, training_bandwidth
from passband.figures.notebook import Artifact
from passband.figures.printed_cells import printed_cells
from passband.figures.style import (
    ATTACK,
    COLUMN,
    GREY,
    HIGH_BAND,
    INK,
    INTERVALS,
    LEVEL_LINE,
    PAGE,
    PRINTED,
    Look,
    legend_columns,
    new_figure,
    wrapped,
)
from passband.intervals.accuracies import over_seeds
from passband.options import Name, PrintedTable
from passband.text import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# What is band limited in a panel of `band_curves`: label, colour, marker.
BANDS = {
    "low": ("low-pass perturbation", ATTACK, "v"),
    "high": ("high-pass perturbation", HIGH_BAND, "^"),
    "standard": ("low-pass images, no attack", INK, "o"),
}

MODEL = ["dataset_title", "paper_dataset_title", "method"]


@FIGURES.register("lowpass_curves")
def lowpass_curves(
    artifact: Artifact,
    *,
    filtered: Annotated[str, Name("probe", of="filtered_accuracy")],
    attacked: Annotated[str, Name("probe", of="attack")],
    attack_title: str,
    printed: PrintedTable,
    metric: str = "clean",
    size: str = "lpf",
) -> "Figure":
    """Accuracy on low-pass filtered images by bandwidth, and under an attack, with the paper's
    curves.

    Args:
        filtered: the probe of the curves.
        attacked: the attack of the markers to the right of the curves.
        attack_title: name of the attack in the figure.
        printed: the printed table, drawn as dotted curves.
        metric: the printed metric that the curves show.
        size: the key in printed conditions that holds the size of a filter.
    """
    models = artifact.models
    curves = over_seeds(read_measurements(models, filtered), [*MODEL, "bandwidth"])
    under = read_measurements(models, attacked).query("attack == @attacked")
    paper = printed_cells(artifact.printed_table(printed), [], size, {})
    paper = paper[paper["metric"].isin([metric, attack_title])]
    looks = artifact.looks(curves["method"])
    sides = curves.groupby("dataset_title")["bandwidth"].max()
    trained = {
        (entry["dataset_title"], entry["method"]): width
        for entry in models
        if (width := training_bandwidth(entry, int(sides[entry["dataset_title"]]))) is not None
    }
    return draw_lowpass_curves(
        curves, over_seeds(under, MODEL), looks, attack_title, paper, trained
    )


@FIGURES.register("band_curves")
def band_curves(
    artifact: Artifact,
    *,
    bands: Annotated[str, Name("probe", of="perturbation_bands")],
    filtered: Annotated[str, Name("probe", of="filtered_accuracy")],
) -> "Figure":
    """Accuracy when only low or only high frequencies of the perturbation are kept.

    Args:
        bands: the probe of the curves of the perturbation.
        filtered: the probe behind the curve of low-pass filtered images without an attack.
    """
    name = ["dataset_title", "method"]
    limited = over_seeds(read_measurements(artifact.models, bands), [*name, "keep", "bandwidth"])
    standard = over_seeds(read_measurements(artifact.models, filtered), [*name, "bandwidth"])
    return draw_band_curves(limited, standard, artifact.looks(limited["method"]))


def draw_lowpass_curves(
    lowpass: "pd.DataFrame",
    attacked: "pd.DataFrame",
    looks: "Mapping[str, Look]",
    attack_title: str,
    printed: "pd.DataFrame",
    trained: "Mapping[tuple[str, str], int]",
) -> "Figure":
    """One panel per data set: a curve per method, and its accuracy under an attack.

    Args:
        lowpass: rows of `over_seeds` with dataset_title, paper_dataset_title, method and bandwidth.
        attacked: the same without bandwidth, drawn as markers right of the curves.
        looks: method to look.
        attack_title: below the markers.
        printed: rows of `printed_cells`, drawn as dotted curves.
        trained: (dataset title, method) to the bandwidth of training images, a dashed line.
    """
    datasets = in_order(lowpass["dataset_title"])
    width = PAGE if len(datasets) > 1 else 0.72 * PAGE
    figure = new_figure(width, 2.6 if len(datasets) > 1 else 3.0)
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    for axes, dataset in zip(panels, datasets, strict=True):
        here = lowpass[lowpass["dataset_title"] == dataset]
        side = here["bandwidth"].max()
        for place, (method, look) in enumerate(looks.items()):
            curve = here[here["method"] == method]
            _curve(axes, curve, *look)
            apart = 0.04 * (place - (len(looks) - 1) / 2)
            right = (1.2 + apart) * side
            _attacked(axes, attacked, dataset, method, right, look)
            _dotted(axes, printed, here, method, {attack_title: right}, look)
        for bandwidth in {one for (name, _), one in trained.items() if name == dataset}:
            axes.axvline(bandwidth, **LEVEL_LINE)
        axes.axvline(1.09 * side, color=INK, lw=0.6)
        ticks = [tick for tick in here["bandwidth"].unique() if (8 * tick / side) % 2 == 0]
        axes.set_xticks([*ticks, 1.2 * side], [*(f"{tick:.0f}" for tick in ticks), attack_title])
        axes.set_xlim(0.06 * side, 1.31 * side)
        axes.set_title(_panel_title(dataset, here))
        axes.set_xlabel("low-pass bandwidth k")
    _percent(panels[0], "accuracy (%)")
    behind = in_order([looks[method].model for _, method in trained])
    _legend(figure, panels[0], behind)
    return figure


def draw_band_curves(
    bands: "pd.DataFrame", standard: "pd.DataFrame", looks: "Mapping[str, Look]"
) -> "Figure":
    """A panel per data set (rows) and method (columns): accuracy when a band is kept.

    Args:
        bands: rows of `over_seeds` with dataset_title, method, keep (low or high: what is left of
            the perturbation) and bandwidth.
        standard: accuracy on low-pass filtered images without an attack, with bandwidth.
        looks: method to look.
    """
    datasets = in_order(bands["dataset_title"])
    width = {1: 1.2 * COLUMN, 2: 1.6 * COLUMN}.get(len(looks), PAGE)
    figure = new_figure(width, 0.75 + 1.75 * len(datasets))
    panels = figure.subplots(len(datasets), len(looks), sharex="row", sharey=True, squeeze=False)
    for row, dataset in zip(panels, datasets, strict=True):
        for axes, (method, look) in zip(row, looks.items(), strict=True):
            here = bands[(bands["dataset_title"] == dataset) & (bands["method"] == method)]
            for kept in ("low", "high"):
                _curve(axes, here[here["keep"] == kept], *BANDS[kept])
            clean = (standard["dataset_title"] == dataset) & (standard["method"] == method)
            _curve(axes, standard[clean], *BANDS["standard"])
            if len(here):
                side = here["bandwidth"].max()
                axes.set_xticks([side * part / 4 for part in range(5)])
            if axes in panels[0]:
                axes.set_title(wrapped(look.label, 34))
        _percent(row[0], f"{dataset}\naccuracy (%)")
    for axes in panels[-1]:
        axes.set_xlabel("bandwidth k that is kept")
    handles, _ = panels[0, 0].get_legend_handles_labels()
    handles.append(interval_key())
    columns = legend_columns([handle.get_label() for handle in handles], width)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns)
    return figure


def _curve(axes: "Axes", rows: "pd.DataFrame", label: str, colour: str, marker: str) -> None:
    rows = rows.sort_values("bandwidth")
    line(axes, rows["bandwidth"], intervals_of(rows), colour, marker, label=label)


def _attacked(
    axes: "Axes",
    attacked: "pd.DataFrame",
    dataset: str,
    method: str,
    x: float,
    look: Look,
) -> None:
    one = attacked[(attacked["dataset_title"] == dataset) & (attacked["method"] == method)]
    for interval in intervals_of(one):
        point(axes, x, interval, look.colour, look.marker)


def _dotted(
    axes: "Axes",
    printed: "pd.DataFrame",
    here: "pd.DataFrame",
    method: str,
    places: "Mapping[str, float]",
    look: Look,
) -> None:
    """The paper's numbers: a curve over bandwidth, and points at the places of other metrics."""
    paper = printed["paper_dataset_title"] == here["paper_dataset_title"].iloc[0]
    rows = printed[paper & (printed["method"] == method)]
    alone = rows["metric"].isin(list(places))
    style = {"color": look.colour, "marker": look.marker, **PRINTED}
    curve = rows[~alone]
    axes.plot(curve["fraction"] * here["bandwidth"].max(), curve["paper_value"], **style)
    points = rows[alone]
    axes.plot(points["metric"].map(places), points["paper_value"], **style | {"ls": ""})


def _panel_title(dataset: str, here: "pd.DataFrame") -> str:
    paper = here["paper_dataset_title"].iloc[0]
    return dataset if paper == dataset else f"{dataset} (paper: {paper})"


def _percent(axes: "Axes", label: str) -> None:
    axes.set_ylim(-3, 103)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel(label)


def _legend(figure: "Figure", axes: "Axes", trained: list[str]) -> None:
    handles, labels = axes.get_legend_handles_labels()
    handles += axes.plot([], [], color=GREY, marker="o", **PRINTED)
    labels.append("printed in the paper")
    handles.append(interval_key())
    labels.append(INTERVALS)
    if trained:
        handles += axes.plot([], [], **LEVEL_LINE)
        labels.append(f"training bandwidth of the {listed(trained)}")
    columns = legend_columns(labels, figure.get_figwidth())
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, columnspacing=1.2)
