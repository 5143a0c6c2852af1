"""Intervals of means, of combinations of estimates, of rank correlations and of majorities."""

from collections.abc import Sequence
from math import inf, sqrt
from typing import NamedTuple

import numpy as np

from passband.intervals import LEVEL
from passband.intervals.accuracies import accuracy_interval


class Interval(NamedTuple):
    """An estimate, the ends of its confidence interval, and the images behind it."""

    effect: float
    low: float
    high: float
    n: int


def mean_interval(
    scores: np.ndarray, span: tuple[float, float] | None = None, level: float = LEVEL
) -> Interval:
    """Interval of the mean of per-image scores [N] or [S, N], S seeds on the same N images.

    A paired contrast of conditions is such a score: subtract per image first.

    One seed: Student's interval of the mean over images. It covers the choice of test images
    and says nothing about another training run.

    Scores that come from right and wrong answers can all be equal (0 of N), and their standard
    deviation then says too little. For them give `span`, the smallest and largest possible score:
    q^2/2 imaginary images with each of the two are added before the interval is taken (q the
    quantile, about 1.96), and the ends are cut to the span. For 0/1 scores this is the
    Agresti-Coull interval (1998), for paired differences in {-1, 0, 1} the adjustment of Bonett
    and Price (2012) with its weight chosen likewise; it is never of zero width.

    Several seeds: the image part is taken from the scores averaged over seeds, the seed part is
    Student's interval of the S per-seed means (S - 1 degrees of freedom), and their half-widths
    add in quadrature to each side. It covers both the test images and the training run.

    Images with a score that is not finite are left out. Fewer than two images: the interval is
    the whole line. Raises ValueError if no image is left.
    """
    scores = np.atleast_2d(np.asarray(scores, dtype=float))
    scores = scores[:, np.isfinite(scores).all(axis=0)]
    per_image = scores.mean(axis=0)
    n = len(per_image)
    if n == 0:
        raise ValueError("no image has a finite score")
    if n == 1:
        return Interval(float(per_image[0]), -inf, inf, 1)
    images = Interval(float(per_image.mean()), *_ends(per_image, span, level), n)
    return with_seeds(images, scores.mean(axis=1), level)


def answers_interval(answers: np.ndarray) -> Interval:
    """Interval of an accuracy from the answers themselves, in percent.

    Where each is right or wrong it is `accuracy_interval`; where some are means over several
    versions of an image it is `mean_interval`.

    Args:
        answers: 0 to 100, [S, N], S seeds on the same N images.
    """
    if np.isin(answers, (0, 100)).all():
        count = answers.shape[1]
        return Interval(*accuracy_interval(answers.mean(1).tolist(), count), count)
    return mean_interval(answers, span=(0, 100))


def _ends(
    scores: np.ndarray, span: tuple[float, float] | None, level: float
) -> tuple[float, float]:
    n, mean = len(scores), float(scores.mean())
    quantile = _quantile(n, level)
    if span is None:
        half = quantile * float(scores.std(ddof=1)) / sqrt(n)
        return mean - half, mean + half
    ends, imaginary = np.array(span, dtype=float), quantile**2 / 2
    total = n + 2 * imaginary
    centre = float(scores.sum() + imaginary * ends.sum()) / total
    squares = np.square(scores - centre).sum() + imaginary * np.square(ends - centre).sum()
    half = quantile * sqrt(squares / total / total)
    low, high = max(span[0], centre - half), min(span[1], centre + half)
    return min(low, mean), max(high, mean)


def with_seeds(images: Interval, seed_means: np.ndarray, level: float = LEVEL) -> Interval:
    """Widen an interval over images by the spread of the per-seed estimates [S].

    The half-width t(S - 1) * sd / sqrt(S) is added in quadrature to each side (Zou and Donner
    2008). One seed leaves the interval as it is.
    """
    count = len(seed_means)
    if count < 2:
        return images
    half = _quantile(count, level) * float(np.std(seed_means, ddof=1)) / sqrt(count)
    effect, low, high, n = images
    return Interval(
        effect,
        effect - sqrt((effect - low) ** 2 + half**2),
        effect + sqrt((high - effect) ** 2 + half**2),
        n,
    )


def combination(factors: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Interval of a weighted sum of estimates from independent samples.

    The half-widths, times the size of their factors, add in quadrature side by side (Zou and
    Donner 2008). n is the smallest one.
    """
    effect, below, above = 0.0, 0.0, 0.0
    for factor, one in zip(factors, intervals, strict=True):
        effect += factor * one.effect
        ends = sorted((factor * (one.low - one.effect), factor * (one.high - one.effect)))
        below, above = below + ends[0] ** 2, above + ends[1] ** 2
    n = min(one.n for one in intervals)
    return Interval(effect, effect - sqrt(below), effect + sqrt(above), n)


def difference(first: Interval, second: Interval) -> Interval:
    """Interval of first - second for independent samples, e.g. two test sets."""
    return combination([1, -1], [first, second])


def average(intervals: Sequence[Interval]) -> Interval:
    """Interval of the mean of estimates from independent samples, e.g. several test sets."""
    return combination([1 / len(intervals)] * len(intervals), intervals)


def sample_interval(samples: Sequence[np.ndarray], level: float = LEVEL) -> Interval:
    """Interval of the mean of scores [N] that are another sample in every seed, e.g. kernels.

    Scores that are not finite are left out, and the other ones of all seeds are taken together:
    Student's interval, widened by the spread of the seeds' means as in `with_seeds`. n counts the
    scores of all seeds. Raises ValueError if none is left.
    """
    finite = [one[np.isfinite(one)] for one in samples]
    pooled = mean_interval(np.concatenate(finite), level=level)
    return with_seeds(pooled, np.array([one.mean() for one in finite if len(one)]), level)


def relative_errors(errors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Scores of images whose mean is the mean over K conditions of the ratio of two errors.

    To the ratios of the mean errors are added the first-order effects of each image's deviations
    from the means (the delta method), so that `mean_interval` has the interval of the mean ratio.

    Args:
        errors: of images under the conditions, [S, K, N] for S seeds.
        reference: likewise.

    Returns:
        In percent, [S, N].

    Raises:
        ValueError: the reference has no error under a condition.
    """
    means, reference_means = (one.mean((0, 2))[:, None] for one in (errors, reference))
    if (reference_means == 0).any():
        raise ValueError("a reference without errors")
    ratios = means / reference_means
    scores = ratios + (errors - ratios * reference) / reference_means
    return 100 * scores.mean(1)


def rank_correlation_interval(
    first: np.ndarray, second: np.ndarray, level: float = LEVEL
) -> Interval:
    """Spearman's rank correlation r of n pairs, with the interval of Bonett and Wright (2000).

    tanh(artanh(r) -+ z sqrt((1 + r^2 / 2) / (n - 3))), z the quantile of the normal distribution.
    Pairs with a value that is not finite are left out. The artanh of a perfect order, r = 1 or -1,
    is infinite: its interval is that of an r half a step nearer to zero, widened to reach r. Fewer
    than four pairs leave -1 to 1. Raises ValueError if there is no r: one pair, or equal values.
    """
    both = np.isfinite(first) & np.isfinite(second)
    first, second, n = first[both], second[both], int(both.sum())
    if n < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        raise ValueError("a rank correlation needs values that differ")
    from scipy import stats

    r = float(stats.spearmanr(first, second).statistic)
    if n < 4:
        return Interval(r, -1.0, 1.0, n)
    largest = 1 - 6 / (n**3 - n)
    centre = min(max(r, -largest), largest)
    half = stats.norm.ppf((1 + level) / 2) * sqrt((1 + centre**2 / 2) / (n - 3))
    low, high = (float(np.tanh(np.arctanh(centre) + side * half)) for side in (-1, 1))
    return Interval(r, min(low, r), max(high, r), n)


def majority_interval(
    differences: np.ndarray,
    weights: np.ndarray,
    level: float = LEVEL,
    resamples: int = 1000,
) -> Interval:
    """Interval of the share (0..1) of directions whose mean difference over images is positive.

    differences: [S, B, N] per seed, direction and image; weights: [B]; a mean of exactly zero
    counts as half. The image part is the percentile bootstrap over images of the share for the
    differences averaged over seeds: resampling noise pulls the share towards 1/2, so that it
    claims a majority too seldom rather than too often. The seed part is that of `with_seeds`.
    """
    averaged = differences.mean(axis=0, dtype=np.float32)
    n = averaged.shape[1]
    effect = _positive_share(averaged.sum(axis=1), weights)
    if n == 1:
        return Interval(float(effect), -inf, inf, 1)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=resamples)
    shares = _positive_share(averaged @ draws.T.astype(np.float32), weights)
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    images = Interval(float(effect), min(float(low), effect), max(float(high), effect), n)
    per_seed = [_positive_share(one.sum(axis=1, dtype=np.float32), weights) for one in differences]
    return with_seeds(images, np.array(per_seed), level)


def _positive_share(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    near_zero = np.abs(sums) < 1e-3
    return np.average(np.where(near_zero, 0.5, sums > 0), axis=0, weights=weights)


def _quantile(count: int, level: float) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + level) / 2, count - 1))
