"""Lines with a marker at every measured point, and their intervals."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from passband.figures.style import GREY, INTERVALS
from passband.intervals.estimates import Interval, mean_interval

SHADE = 0.18  # opacity of a band


def line(
    axes: Axes,
    x: Sequence[float],
    intervals: Sequence[Interval],
    colour: str,
    marker: str,
    **style: object,
) -> None:
    """Draw estimates over `x` as a line with markers, their intervals as a band around it."""
    effects, lows, highs, _ = np.array(intervals, dtype=float).reshape(-1, 4).T
    axes.fill_between(x, lows, highs, color=colour, alpha=SHADE, lw=0)
    axes.plot(x, effects, color=colour, marker=marker, **style)


def means(scores: np.ndarray) -> list[Interval]:
    """The mean of each row of scores [K, N] over N images, with its interval."""
    return [mean_interval(row) for row in scores]


def point(axes: Axes, x: float, one: Interval, colour: str, marker: str) -> None:
    """Draw an estimate at `x`, with its interval as a bar."""
    errors = [[one.effect - one.low], [one.high - one.effect]]
    axes.errorbar([x], [one.effect], yerr=errors, color=colour, marker=marker, ls="", elinewidth=1)


def interval_key() -> Patch:
    """What a legend says of bands and bars."""
    return Patch(color=GREY, alpha=2 * SHADE, lw=0, label=INTERVALS)
