"""Lines with a marker at every measured point, and their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from passband.figures.load import probe_arrays
from passband.figures.style import GREY, INTERVALS
from passband.intervals.estimates import Interval, mean_interval

if TYPE_CHECKING:
    import pandas as pd

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


def intervals_of(rows: "pd.DataFrame") -> list[Interval]:
    """Rows of `over_seeds` as intervals."""
    columns = rows[["value", "ci_low", "ci_high", "n_images"]]
    return [Interval(*row) for row in columns.itertuples(index=False)]


def point(axes: Axes, x: float, one: Interval, colour: str, marker: str) -> None:
    """Draw an estimate at `x`, with its interval as a bar."""
    errors = [[one.effect - one.low], [one.high - one.effect]]
    axes.errorbar([x], [one.effect], yerr=errors, color=colour, marker=marker, ls="", elinewidth=1)


def paired_difference(
    entries: Sequence[dict], others: Sequence[dict], probe: str, answers: str
) -> Interval:
    """Accuracy of a method minus that of another one, in points, on the same images and seeds.

    Args:
        entries, others: of the two methods, one entry per seed.
        probe: what measured both.
        answers: its array [N] that tells which images are right.
    """
    right = [
        {entry["seed"]: probe_arrays(entry, probe)[answers] for entry in one}
        for one in (entries, others)
    ]
    seeds = sorted(right[0].keys() & right[1].keys())
    first, second = (np.stack([one[seed] for seed in seeds]).astype(float) for one in right)
    return mean_interval(100 * (first - second), span=(-100, 100))


def interval_key() -> Patch:
    """What a legend says of bands and bars."""
    return Patch(color=GREY, alpha=2 * SHADE, lw=0, label=INTERVALS)


def stated(one: Interval, form: str) -> str:
    """An estimate and its interval in words.

    >>> stated(Interval(1.126, 1.05, 1.21, 16), ".2f")
    '1.13 [1.05, 1.21]'
    """
    return f"{one.effect:{form}} [{one.low:{form}}, {one.high:{form}}]"
