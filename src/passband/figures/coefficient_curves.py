"""Curves of measurements against the coefficient of a regulariser."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from passband.figures import FIGURES
from passband.figures.lines import interval_key, line
from passband.figures.load import first_seeds, probe_arrays
from passband.figures.notebook import Artifact
from passband.figures.style import PAGE, Look, legend_columns, new_figure
from passband.intervals.estimates import Interval, answers_interval, mean_interval
from passband.options import Measurement


class Curve(TypedDict):
    """A panel of curves.

    Args:
        title: its heading.
        measured: the probe or attack that measured it.
        array: the array [..., N] of the measurement; its mean over all but the images is shown.
        unit: `percent` for right and wrong answers; nothing if left out.
    """

    title: str
    measured: Measurement
    array: str
    unit: NotRequired[str]


class Point(NamedTuple):
    """The value of a model with this coefficient, over images and seeds."""

    coefficient: float
    value: Interval


@FIGURES.register("coefficient_curves")
def coefficient_curves(
    artifact: Artifact,
    *,
    part: str,
    coefficient: str,
    symbol: str,
    method: str,
    panels: list[Curve],
) -> Figure:
    """Measurements of models against the coefficient of a recipe part; models without the part
    have the coefficient 0.

    Args:
        part: the part of the recipes that has the coefficient.
        coefficient: the argument of the part that is on the horizontal axis.
        symbol: symbol of the coefficient in the figure.
        method: the method whose colour the points have.
        panels: what is shown, from left to right.
    """
    runs: dict[float, list[dict]] = {}
    for entry in artifact.models:
        arguments = entry["recipe"].get("parts", {}).get(part, {})
        runs.setdefault(float(arguments.get(coefficient, 0)), []).append(entry)
    points = {
        panel["title"]: [Point(one, _value(runs[one], panel)) for one in sorted(runs)]
        for panel in panels
    }
    units = {panel["title"]: panel.get("unit", "") for panel in panels}
    dataset = next(iter(first_seeds(artifact.models)))[0]
    return draw_coefficient_curves(points, units, artifact.looks([method])[method], dataset, symbol)


def _value(entries: Sequence[dict], panel: Mapping) -> Interval:
    arrays = [probe_arrays(entry, panel["measured"])[panel["array"]] for entry in entries]
    scores = np.stack([one.reshape(-1, one.shape[-1]).mean(0) for one in arrays]).astype(float)
    percent = panel.get("unit") == "percent"
    return answers_interval(100 * scores) if percent else mean_interval(scores)


def draw_coefficient_curves(
    points: Mapping[str, Sequence[Point]],
    units: Mapping[str, str],
    look: Look,
    dataset: str,
    symbol: str,
) -> Figure:
    """A panel per measurement; coefficients are evenly spaced, whatever their values.

    Args:
        points: by title of the panel, in the order of their coefficients.
        units: by title of the panel.
        look: of the points.
        dataset: title of the data set.
        symbol: symbol of the coefficient in the figure.
    """
    figure = new_figure(PAGE, 2.4)
    grid = figure.subplots(1, len(points), squeeze=False)[0]
    for axes, (title, some) in zip(grid, points.items(), strict=True):
        places = range(len(some))
        line(axes, places, [one.value for one in some], look.colour, look.marker)
        axes.set_xticks(places, [f"{one.coefficient:g}" for one in some])
        axes.set_title(title)
        axes.set_xlabel(f"coefficient {symbol}")
        axes.set_ylabel(units[title])
    handles = [Line2D([], [], color=look.colour, marker=look.marker, label=look.label)]
    handles.append(interval_key())
    columns = legend_columns([one.get_label() for one in handles], PAGE)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, title=dataset)
    return figure
