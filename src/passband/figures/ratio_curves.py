"""The ratio of low to high frequencies in the first activation, epoch by epoch."""

from typing import TYPE_CHECKING

from passband.figures import FIGURES
from passband.figures.load import read_curves
from passband.figures.notebook import Artifact
from passband.figures.style import GREY, PAGE, SMALLEST, Look, legend_columns, new_figure
from passband.options import PrintedTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Definitions of the ratio: name in the curves -> in words.
MAIN = "per_channel"
DEFINITIONS = {
    MAIN: "norm of the mean over positions / norm of the rest,\nby sample and channel, averaged",
    "summed": "the same, sum of all norms / sum of all norms",
    "frobenius": "the same, all channels of a sample at once",
    "spectral": "the same, largest singular values",
    "across_channels": "mean over channels, not over positions",
}


@FIGURES.register("ratio_curves")
def ratio_curves(
    artifact: Artifact, *, recorder: str, printed: PrintedTable, metric: str
) -> "Figure":
    """The ratio of low to high frequencies in the first activation, after every epoch.

    Args:
        recorder: name of the recorder in the recipes.
        printed: the printed table with the first and last values.
        metric: the metric of these values in the printed table.
    """
    table = artifact.printed_table(printed).query("metric == @metric")
    epoch = table["condition"].str.removeprefix("epoch=")
    curves = read_curves(artifact.models, recorder).query("metric == 'low_high_ratio'")
    return draw_ratio_curves(curves, table.assign(epoch=epoch), artifact.looks(curves["method"]))


def draw_ratio_curves(
    curves: "pd.DataFrame", printed: "pd.DataFrame", looks: "Mapping[str, Look]"
) -> "Figure":
    """R by epoch for each method, large by the default definition and small by the others.

    Args:
        curves: `load.read_curves` with a row per definition and epoch; drawn is the mean over
            seeds, each of which is a thin line where there are several.
        printed: rows with method, epoch (first or last) and value, drawn at our first and last
            epoch, since only these are printed.
        looks: method to look.
    """
    figure = new_figure(PAGE, 4.1)
    others = len(DEFINITIONS) - 1
    grid = figure.add_gridspec(others, 2, width_ratios=[1.75, 1])
    large = figure.add_subplot(grid[:, 0])
    small = [figure.add_subplot(grid[row, 1]) for row in range(others)]
    for axes, (definition, words) in zip([large, *small], DEFINITIONS.items(), strict=True):
        shown = curves[curves["definition"] == definition]
        for method, look in looks.items():
            _curve(axes, shown[shown["method"] == method], look)
        axes.set_title(words, fontsize=8 if axes is large else SMALLEST)
        if axes not in (large, small[-1]):
            axes.tick_params(labelbottom=False)
    for row in printed[printed["method"].isin(list(looks))].itertuples():
        epochs = curves.loc[curves["method"] == row.method, "epoch"]
        _, colour, marker = looks[row.method]
        where = epochs.min() if row.epoch == "first" else epochs.max()
        large.plot(
            where, row.value, marker=marker, ms=7, mfc="none", mec=colour, ls="",
            clip_on=False, zorder=3,
        )  # fmt: skip
    for axes in (large, small[-1]):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    for axes in (large, *small):
        axes.margins(y=0.15)
        axes.set_ylim(bottom=0)
    large.set_ylabel("R, low over high frequencies")
    for axes in small:
        axes.set_ylabel("R")
    handles, labels = large.get_legend_handles_labels()
    handles += large.plot([], [], marker="o", ms=7, mfc="none", mec=GREY, ls="")
    labels.append("printed in the paper (first and last epoch)")
    columns = legend_columns(labels, PAGE)
    figure.legend(handles, labels, loc="outside upper center", ncols=columns)
    return figure


def _curve(axes: "Axes", curve: "pd.DataFrame", look: Look) -> None:
    if curve["seed"].nunique() > 1:
        for _, one in curve.groupby("seed"):
            axes.plot(one["epoch"], one["value"], color=look.colour, lw=0.5, alpha=0.5)
    values = curve.groupby("epoch")["value"].mean()
    axes.plot(values, color=look.colour, marker=look.marker, ms=3, label=look.label)
