"""Intervals of accuracies: over the test images, and over the seeds where there are several."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, mean, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95


def wilson(percent: float, n: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share of `n` images, all in percent (0..100)."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    p = percent / 100
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return 100 * max(0.0, centre - half), 100 * min(1.0, centre + half)


def accuracy_interval(values: Sequence[float], n: int) -> tuple[float, float, float]:
    """Mean over seeds of an accuracy in percent, and the ends of its 95 % interval.

    One value: Wilson's interval over the `n` test images. Several: to each side the half-width of
    Student's interval over the seeds is added in quadrature, since every seed sees the same images.
    """
    centre = mean(values)
    low, high = wilson(centre, n)
    if len(values) > 1:
        from scipy.special import stdtrit

        t = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2))
        spread = t * stdev(values) / sqrt(len(values))
        low = max(0.0, centre - sqrt((centre - low) ** 2 + spread**2))
        high = min(100.0, centre + sqrt((high - centre) ** 2 + spread**2))
    return centre, low, high


def over_seeds(rows: "pd.DataFrame", by: Sequence[str]) -> "pd.DataFrame":
    """One row for each combination of the columns `by`, in order of appearance.

    `rows` holds one `value` (percent) and `n_images` per seed; the result has the columns `by`,
    value, ci_low, ci_high (percent), n_images and seeds.
    """
    import pandas as pd

    summary = []
    for key, group in rows.groupby(list(by), sort=False, dropna=False):
        n = int(group["n_images"].min())
        value, low, high = accuracy_interval(group["value"].tolist(), n)
        summary.append((*key, value, low, high, n, len(group)))
    return pd.DataFrame(summary, columns=[*by, "value", "ci_low", "ci_high", "n_images", "seeds"])
