"""Share of images that follow their high component, against the size of the low component."""

from typing import TYPE_CHECKING, Annotated

from passband.figures import FIGURES
from passband.figures.lines import interval_key, intervals_of, line
from passband.figures.load import in_order, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import COLOURS, PAGE, Look, new_figure
from passband.intervals.accuracies import over_seeds
from passband.options import Name

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure

SHAPES = {
    "disc": ("frequencies: disc of radius r", "blue"),
    "svd_energy_of_disc": ("singular values: the disc's energy", "orange"),
}


@FIGURES.register("component_counts")
def component_counts(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="component_predictions")],
) -> "Figure":
    """Share of images classified correctly from their high component, but not from their low one,
    when split by frequency and by singular values of the same energy.

    Args:
        probe: the probe that counted these images.
    """
    rows = read_measurements(artifact.models, probe, "follows_high")
    rows = rows[rows["shape"].isin(list(SHAPES))].astype({"radius": float})
    shares = over_seeds(rows, ["dataset_title", "method", "shape", "radius"])
    return draw_component_counts(shares, artifact.looks(shares["method"]))


def draw_component_counts(shares: "pd.DataFrame", looks: "Mapping[str, Look]") -> "Figure":
    """One panel per data set and model.

    Args:
        shares: rows of `over_seeds` with dataset_title, method, shape and radius.
        looks: method to look.
    """
    panels = in_order(list(zip(shares["dataset_title"], shares["method"], strict=True)))
    figure = new_figure(min(PAGE, 2.4 * len(panels) + 1.2), 2.6)
    grid = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (dataset, method) in zip(grid, panels, strict=True):
        here = shares.query("dataset_title == @dataset and method == @method")
        for shape, (label, colour) in SHAPES.items():
            some = here[here["shape"] == shape].sort_values("radius")
            if len(some):
                line(axes, some["radius"], intervals_of(some), *COLOURS[colour], label=label)
        axes.set_title(f"{looks[method].model}\n{dataset}")
        axes.set_xlabel("radius r of the low component")
        axes.set_xticks(sorted(set(here["radius"])))
        axes.set_ylim(bottom=0)
    grid[0].set_ylabel("images (%)")
    handles, _ = grid[0].get_legend_handles_labels()
    figure.legend(handles=[*handles, interval_key()], loc="outside upper center", ncols=1)
    return figure
