"""How well the objects of an image are recognised, as it is and on its components."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays

Part = Literal["image", "low", "high"]
PLACES = {"image": 0, "low": 1, "high": 2}


@SCORES.register("object_score", probe="detection", unit="percent")
def object_score(arrays: Arrays, part: Part) -> np.ndarray:
    """Mean over the objects of an image of the score that they are recognised with (percent).

    The part is `image`, or `low` or `high` for a component.
    """
    return 100.0 * arrays["scores"][PLACES[part]].astype(float)


@SCORES.register(
    "mean_average_precision", probe="detection", unit="percent", sample="training runs"
)
def mean_average_precision(arrays: Arrays, part: Part) -> np.ndarray:
    """mAP over all images, one value per training run; the part as for `object_score`."""
    return arrays["mAP"][PLACES[part]][None]


@SCORES.register("recognised", probe="detection", unit="percent", span=(0.0, 100.0))
def recognised(arrays: Arrays, *, than: Literal["better", "worse"]) -> np.ndarray:
    """Whether the score of an image on its low component differs from that as it is: 0 or 100.

    Args:
        than: whether it is to be better or worse there.
    """
    gains = arrays["scores"][1] - arrays["scores"][0]
    return 100.0 * (gains > 0 if than == "better" else gains < 0)
