"""The interval of an accuracy: over the test images, and over the seeds where there are several."""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, mean, stdev
from typing import TYPE_CHECKING

from passband.intervals import LEVEL

if TYPE_CHECKING:
    import pandas as pd


def wilson(percent: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The Wilson score interval of a share.

    Args:
        percent: the share, 0 to 100.
        n: number of images.
        level: of confidence, 0 to 1.

    Returns:
        Both ends in percent, 0 to 100; the share lies between them.

    Source: Wilson 1927.
    """
    z = NormalDist().inv_cdf((1 + level) / 2)
    p = percent / 100
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = 100 * max(0.0, centre - half), 100 * min(1.0, centre + half)
    return min(low, percent), max(high, percent)


def accuracy_interval(
    values: Sequence[float], n: int, level: float = LEVEL
) -> tuple[float, float, float]:
    """The mean of an accuracy over seeds, and its interval.

    One value: Wilson's interval over the test images. Several: the half-width of Student's interval
    over the seeds is added in quadrature to each side, since every seed sees the same images.

    Args:
        values: one accuracy in percent per seed.
        n: number of images behind each.
        level: of confidence, 0 to 1.

    Returns:
        The mean and both ends in percent; the mean lies between them.
    """
    centre = mean(values)
    low, high = wilson(centre, n, level)
    if len(values) > 1:
        from scipy.special import stdtrit

        t = float(stdtrit(len(values) - 1, (1 + level) / 2))
        spread = t * stdev(values) / sqrt(len(values))
        low = max(0.0, centre - sqrt((centre - low) ** 2 + spread**2))
        high = min(100.0, centre + sqrt((high - centre) ** 2 + spread**2))
    return centre, low, high


def over_seeds(rows: "pd.DataFrame", by: Sequence[str]) -> "pd.DataFrame":
    """Summarise accuracies over the seeds.

    Args:
        rows: one `value` (percent) and `n_images` per seed, with the columns `by`.
        by: the columns that tell one accuracy from another.

    Returns:
        One row per combination of the columns `by`, in order of appearance, with these columns,
        value, ci_low, ci_high (percent), n_images and seeds.
    """
    import pandas as pd

    summary = []
    for key, group in rows.groupby(list(by), sort=False, dropna=False):
        n = int(group["n_images"].min())
        value, low, high = accuracy_interval(group["value"].tolist(), n)
        summary.append((*key, value, low, high, n, len(group)))
    return pd.DataFrame(summary, columns=[*by, "value", "ci_low", "ci_high", "n_images", "seeds"])
