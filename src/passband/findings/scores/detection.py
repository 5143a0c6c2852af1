"""Scores of a detector on images and on their components."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured

Part = Literal["image", "low", "high"]
PLACES = {"image": 0, "low": 1, "high": 2}


@SCORES.register("object_score", probe="detection", unit="percent")
def object_score(arrays: Arrays, part: Part) -> np.ndarray:
    """Mean score of the objects of an image, in percent (see the probe `detection`).

    The part is `image`, `low` or `high`: the probe's first filter keeps the low, its second one the
    high frequencies.
    """
    place = PLACES[part]
    if place >= len(arrays["scores"]):
        raise NotMeasured(f"the {part} component was not measured")
    return 100.0 * arrays["scores"][place].astype(float)


@SCORES.register("recognised", probe="detection", unit="percent", span=(0.0, 100.0))
def recognised(arrays: Arrays, *, than: Literal["better", "worse"]) -> np.ndarray:
    """Whether an image has a better (or worse) score on its low component than itself: 0 or 100.

    Args:
        than: `better` or `worse`.
    """
    gains = arrays["scores"][1] - arrays["scores"][0]
    return 100.0 * (gains > 0 if than == "better" else gains < 0)
