"""What is predicted for the low and the high component of an image."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured
from passband.options import FilterName


@SCORES.register("follows_high", probe="component_predictions", unit="percent", span=(0.0, 100.0))
def follows_high(arrays: Arrays, filter: FilterName) -> np.ndarray:
    """Share of the images that are recognised as they are and by their high component alone, but
    not by their low component.

    `filter` is the one of the low component, in quotes.
    """
    return 100.0 * _follows(arrays, filter)


@SCORES.register("images_following_high", probe="component_predictions")
def images_following_high(arrays: Arrays, filter: FilterName) -> np.ndarray:
    """Number of these images: its mean is their count among all that were measured."""
    follows = _follows(arrays, filter)
    return len(follows) * follows


@SCORES.register("image_accuracy", probe="component_predictions", unit="percent", span=(0.0, 100.0))
def image_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy on the images as they are."""
    return 100.0 * (arrays["predicted"] == arrays["labels"])


@SCORES.register(
    "component_accuracy", probe="component_predictions", unit="percent", span=(0.0, 100.0)
)
def component_accuracy(
    arrays: Arrays, filter: FilterName, *, keep: Literal["low", "high"]
) -> np.ndarray:
    """Accuracy on a component of the images alone.

    `filter` is the one of the low component, in quotes.

    Args:
        keep: the component.
    """
    name = f"predicted_{keep}_{filter}"
    if name not in arrays:
        raise NotMeasured(f"no component was measured by the filter {filter}")
    return 100.0 * (arrays[name] == arrays["labels"])


def _follows(arrays: Arrays, filter: str) -> np.ndarray:
    name = f"follows_high_{filter}"
    if name not in arrays:
        raise NotMeasured(f"no component was measured by the filter {filter}")
    return arrays[name].astype(float)
