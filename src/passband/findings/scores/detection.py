"""Scores of a detector on images and on their components."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays

Part = Literal["image", "low", "high"]
PLACES = {"image": 0, "low": 1, "high": 2}


@SCORES.register("object_score", probe="detection", unit="percent")
def object_score(arrays: Arrays, part: Part) -> np.ndarray:
    """Mean score of the objects of an image, in percent (see the probe `detection`).

    The part is `image`, `low` or `high`.
    """
    return 100.0 * arrays["scores"][PLACES[part]].astype(float)


@SCORES.register(
    "mean_average_precision", probe="detection", unit="percent", sample="training runs"
)
def mean_average_precision(arrays: Arrays, part: Part) -> np.ndarray:
    """The mAP over all images, one value per training run; the part as for `object_score`."""
    return arrays["mAP"][PLACES[part]][None]


@SCORES.register("recognised", probe="detection", unit="percent", span=(0.0, 100.0))
def recognised(arrays: Arrays, *, than: Literal["better", "worse"]) -> np.ndarray:
    """Whether an image has a better (or worse) score on its low component than itself, by however
    little: 0 or 100.

    Args:
        than: `better` or `worse`.
    """
    gains = arrays["scores"][1] - arrays["scores"][0]
    return 100.0 * (gains > 0 if than == "better" else gains < 0)
