"""Predictions for the low and the high component of an image."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured
from passband.options import FilterName


@SCORES.register("follows_high", probe="component_predictions", unit="percent", span=(0.0, 100.0))
def follows_high(arrays: Arrays, filter: FilterName) -> np.ndarray:
    """Share of images that are classified correctly, as is their high component, but not their low
    one.

    `filter` is that of the low component, in quotes.
    """
    return 100.0 * _of_filter(arrays, "follows_high", filter)


@SCORES.register("images_following_high", probe="component_predictions", span=(0.0, "count"))
def images_following_high(arrays: Arrays, filter: FilterName) -> np.ndarray:
    """Number of the images counted by `follows_high`, as the mean over all measured images."""
    follows = _of_filter(arrays, "follows_high", filter).astype(float)
    return len(follows) * follows


@SCORES.register("image_accuracy", probe="component_predictions", unit="percent", span=(0.0, 100.0))
def image_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy on the whole images."""
    return 100.0 * (arrays["predicted"] == arrays["labels"])


@SCORES.register(
    "component_accuracy", probe="component_predictions", unit="percent", span=(0.0, 100.0)
)
def component_accuracy(
    arrays: Arrays, filter: FilterName, *, keep: Literal["low", "high"]
) -> np.ndarray:
    """Accuracy on one component of the images.

    `filter` is that of the low component, in quotes.

    Args:
        keep: which component.
    """
    return 100.0 * (_of_filter(arrays, f"predicted_{keep}", filter) == arrays["labels"])


def _of_filter(arrays: Arrays, name: str, filter: str) -> np.ndarray:
    """The array of this name for the filter of a low component."""
    if f"{name}_{filter}" not in arrays:
        raise NotMeasured(f"no components were measured with the filter {filter}")
    return arrays[f"{name}_{filter}"]
