"""Security curves: accuracy against the largest perturbation that an attacker may add."""

from typing import TYPE_CHECKING, Annotated

import numpy as np

from passband.figures import FIGURES
from passband.figures.lines import SHADE, interval_key, intervals_of, point
from passband.figures.load import in_order, probe_arrays, read_measurements
from passband.figures.notebook import Artifact
from passband.figures.style import GREY, PAGE, Look, legend_columns, new_figure
from passband.intervals.accuracies import accuracy_interval, over_seeds
from passband.options import AttackName, Name
from passband.quantities import withstood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 200  # of a curve
LEFT = 1.0  # accuracy in percent below which the axis may end

Curve = tuple[str, str, str]  # data set, search and method


@FIGURES.register("security_curves")
def security_curves(
    artifact: Artifact,
    *,
    probe: Annotated[str, Name("probe", of="minimal_epsilon")],
    titles: dict[str, str],
    fixed: dict[str, list[AttackName]] | None = None,
) -> "Figure":
    """Accuracy against epsilon, read from the smallest perturbation of each image.

    Args:
        probe: the probe that ran the searches.
        titles: title of the panel of each search.
        fixed: attacks at fixed epsilons by search, drawn as points in its panel.
    """
    smallest: dict[Curve, list[np.ndarray]] = {}
    for entry in artifact.models:
        arrays = probe_arrays(entry, probe)
        for search in titles:
            key = (entry["dataset_title"], search, entry["method"])
            smallest.setdefault(key, []).append(arrays[f"minimal_epsilon_{search}"])
    points = {}
    if fixed:
        rows = read_measurements(artifact.models, probe)
        rows = over_seeds(rows, ["dataset_title", "method", "attack", "epsilon"])
        for search, attacks in fixed.items():
            chosen = rows[rows["attack"].isin([attack["name"] for attack in attacks])]
            points[search] = chosen.assign(epsilon=chosen["epsilon"].astype(float))
    looks = artifact.looks(in_order([entry["method"] for entry in artifact.models]))
    return draw_security_curves(smallest, points, looks, titles)


def accuracy_over_epsilon(
    smallest: "Sequence[np.ndarray]", epsilons: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracy in percent at each epsilon [K], and both ends of its interval [K].

    Args:
        smallest: for each seed, the smallest epsilon that fools each image [N].
    """
    percent = [[100 * withstood(one, epsilon).mean() for one in smallest] for epsilon in epsilons]
    images = min(map(len, smallest))
    return tuple(np.array([accuracy_interval(row, images) for row in percent]).T)


def end_of(smallest: "Sequence[np.ndarray]") -> float:
    """The epsilon, at most 1, above which accuracy is at most LEFT in every seed."""
    ends = (np.quantile(one, 1 - LEFT / 100, method="higher") for one in smallest)
    return float(min(1.0, max(ends)))


def draw_security_curves(
    smallest: "Mapping[Curve, Sequence[np.ndarray]]",
    points: "Mapping[str, pd.DataFrame]",
    looks: "Mapping[str, Look]",
    titles: "Mapping[str, str]",
) -> "Figure":
    """A row of panels per data set, a panel per search, a curve per method.

    Args:
        smallest: for each seed, the smallest epsilon that fools each image [N]; infinite if none.
        points: by search, rows of `over_seeds` with dataset_title, method and epsilon.
        looks: method to look.
        titles: titles of searches by name.
    """
    datasets = in_order([dataset for dataset, *_ in smallest])
    figure = new_figure(PAGE, 0.7 + 2.3 * len(datasets))
    grid = figure.subplots(len(datasets), len(titles), squeeze=False, sharey=True)
    for panels, dataset in zip(grid, datasets, strict=True):
        for axes, (search, title) in zip(panels, titles.items(), strict=True):
            here = {
                method: smallest[dataset, search, method]
                for method in looks
                if (dataset, search, method) in smallest
            }
            _draw(axes, here, looks)
            for method in here if search in points else ():
                rows = points[search].query("dataset_title == @dataset and method == @method")
                for epsilon, one in zip(rows["epsilon"], intervals_of(rows), strict=True):
                    point(axes, epsilon, one, looks[method].colour, looks[method].marker)
            axes.set_title(title if len(datasets) == 1 else f"{title}, {dataset}")
    for axes in grid[-1]:
        axes.set_xlabel("perturbation bound ε (l∞, pixels in [0, 1])")
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy (%)")
        axes.set_ylim(-3, 103)
    handles, _ = grid[0, 0].get_legend_handles_labels()
    handles.append(interval_key())
    if points:
        handles += grid[0, 0].plot([], [], color=GREY, marker="o", ls="", label="fixed ε")
    columns = legend_columns([handle.get_label() for handle in handles], PAGE)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, columnspacing=1.2)
    return figure


def _draw(
    axes: "Axes", here: "Mapping[str, Sequence[np.ndarray]]", looks: "Mapping[str, Look]"
) -> None:
    end = max((end_of(one) for one in here.values()), default=0) or 1.0
    epsilons = np.linspace(0, 1.03 * end, POINTS)
    for method, one in here.items():
        percent, low, high = accuracy_over_epsilon(one, epsilons)
        colour = looks[method].colour
        axes.fill_between(epsilons, low, high, color=colour, alpha=SHADE, lw=0)
        axes.plot(epsilons, percent, color=colour, label=looks[method].label)
    axes.set_xlim(0, epsilons[-1])
