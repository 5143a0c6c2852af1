"""Intervals that hold together."""

import numpy as np
import pytest

from passband.intervals import LEVEL, simultaneous
from passband.intervals.estimates import mean_interval


def test_one_comparison_is_not_corrected():
    assert simultaneous(1) == LEVEL
    assert simultaneous(24) == pytest.approx(0.997917, abs=1e-6)
    assert [simultaneous(m) for m in (1, 2, 5, 32)] == sorted(map(simultaneous, (1, 2, 5, 32)))


@pytest.mark.parametrize("kind", ["normal scores", "right and wrong answers"])
def test_all_intervals_of_a_claim_hold_together(kind):
    """Twelve models against one base on the same images, in 400 worlds."""
    random, models, images, worlds = np.random.default_rng(1), 12, 150, 400
    span, level = None, simultaneous(models)
    held = {LEVEL: 0, level: 0}
    for _ in range(worlds):
        scores = random.normal(size=(models + 1, images))
        if kind == "right and wrong answers":
            scores, span = (scores < 0.3).astype(float), (-1.0, 1.0)
        contrasts = scores[1:] - scores[0]  # of models that do not differ
        for one in held:
            found = [mean_interval(contrast, span, one) for contrast in contrasts]
            held[one] += all(interval.low <= 0 <= interval.high for interval in found)
    assert held[level] / worlds >= 0.95
    assert held[LEVEL] / worlds < 0.8
