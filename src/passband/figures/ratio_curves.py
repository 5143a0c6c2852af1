"""The ratio of low to high frequencies in the first activation, epoch by epoch."""

from typing import TYPE_CHECKING

from passband.errors import UserError
from passband.figures.load import in_order
from passband.figures.style import GREY, PAGE, method_look, new_figure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Definitions of the ratio: column of the histories without its prefix -> in words.
MAIN = "per_channel"
DEFINITIONS = {
    MAIN: "norm of the mean over positions / norm of the rest,\nby sample and channel, averaged",
    "frobenius": "the same, all channels of a sample at once",
    "spectral": "the same, largest singular values",
    "across_channels": "mean over channels, not over positions",
}


def ratio_curves(histories: "pd.DataFrame", printed: "pd.DataFrame") -> "Figure":
    """R by epoch for each method, large by the default definition and small by three others.

    histories: `load.read_histories` with the columns lfi_hfi_<definition>; mean over seeds, each
        of which is a thin line where there are several.
    printed: `reference.read_ratio_reference`, drawn at our first and last epoch, since only these
        are printed. Raises UserError where a method's ratio was not recorded.
    """
    methods = in_order(histories["method"])
    for method in methods:
        _check_recorded(histories[histories["method"] == method], method)
    figure = new_figure(PAGE, 3.3)
    grid = figure.add_gridspec(3, 2, width_ratios=[1.75, 1])
    large = figure.add_subplot(grid[:, 0])
    small = [figure.add_subplot(grid[row, 1]) for row in range(3)]
    for axes, (definition, words) in zip([large, *small], DEFINITIONS.items(), strict=True):
        for method in methods:
            _curve(axes, histories[histories["method"] == method], definition, methods)
        axes.set_title(words, fontsize=8 if axes is large else 7)
        if axes not in (large, small[-1]):
            axes.tick_params(labelbottom=False)
    for row in printed[printed["method"].isin(methods)].itertuples():
        epochs = histories.loc[histories["method"] == row.method, "epoch"]
        _, colour, marker = method_look(row.method, methods)
        where = epochs.min() if row.epoch == "first" else epochs.max()
        large.plot(
            where, row.paper_value, marker=marker, ms=7, mfc="none", mec=colour, ls="",
            clip_on=False, zorder=3,
        )  # fmt: skip
    for axes in (large, small[-1]):
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    large.set_ylabel("R, low over high frequencies")
    for axes in small:
        axes.set_ylabel("R")
    handles, labels = large.get_legend_handles_labels()
    handles += large.plot([], [], marker="o", ms=7, mfc="none", mec=GREY, ls="")
    labels.append("printed in the paper (first and last epoch)")
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def _curve(axes: "Axes", history: "pd.DataFrame", definition: str, methods: list[str]) -> None:
    name, colour, _ = method_look(history["method"].iloc[0], methods)
    column = f"lfi_hfi_{definition}"
    if history["seed"].nunique() > 1:
        for _, one in history.groupby("seed"):
            axes.plot(one["epoch"], one[column], color=colour, lw=0.5, alpha=0.5)
    axes.plot(history.groupby("epoch")[column].mean(), color=colour, label=name)


def _check_recorded(history: "pd.DataFrame", method: str) -> None:
    for definition in DEFINITIONS:
        column = f"lfi_hfi_{definition}"
        if column not in history or history[column].isna().all():
            raise UserError(
                f"the training of '{method}' recorded no {column}: give its recipe a `trace` in "
                "config/models.yaml and train it again."
            )
