"""How well the objects of an image are recognised, as it is and on its components."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured

Part = Literal["image", "low", "high"]
PLACES = {"image": 0, "low": 1, "high": 2}


@SCORES.register("object_score", probe="detection", unit="percent")
def object_score(arrays: Arrays, part: Part) -> np.ndarray:
    """Mean over the objects of an image of the score that they are recognised with (percent).

    The part is `image`, `low` or `high`: the first filter of the probe keeps the low frequencies,
    the second one the high ones.
    """
    place = PLACES[part]
    if place >= len(arrays["scores"]):
        raise NotMeasured(f"the {part} component was not measured")
    return 100.0 * arrays["scores"][place].astype(float)


@SCORES.register("recognised_better", probe="detection", unit="percent", span=(0.0, 100.0))
def recognised_better(arrays: Arrays) -> np.ndarray:
    """Whether an image is recognised better on its low component than as it is: 0 or 100."""
    return 100.0 * (arrays["scores"][1] > arrays["scores"][0])
