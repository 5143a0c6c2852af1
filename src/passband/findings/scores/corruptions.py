"""Accuracy under common corruptions, and the spectrum of what they change."""

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured
from passband.options import CorruptionName


@SCORES.register(
    "corruption_accuracy", probe="common_corruptions", unit="percent", span=(0.0, 100.0)
)
def corruption_accuracy(arrays: Arrays, corruption: CorruptionName) -> np.ndarray:
    """Accuracy under one corruption, the mean over its severities."""
    return 100.0 * arrays["correct"][_row(arrays, corruption)].mean(0)


@SCORES.register(
    "mean_corruption_accuracy", probe="common_corruptions", unit="percent", span=(0.0, 100.0)
)
def mean_corruption_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy under corruptions, the mean over all corruptions and severities."""
    return 100.0 * arrays["correct"].mean((0, 1))


@SCORES.register(
    "accuracy_before_corruption", probe="common_corruptions", unit="percent", span=(0.0, 100.0)
)
def accuracy_before_corruption(arrays: Arrays) -> np.ndarray:
    """Accuracy on the images that are corrupted, as they are."""
    return 100.0 * arrays["correct_clean"]


@SCORES.register("change_bias", probe="common_corruptions", sample="training runs")
def change_bias(arrays: Arrays, corruption: CorruptionName) -> np.ndarray:
    """Low-frequency bias of what a corruption changes, the mean over its severities.

    The same for all models on a data set."""
    return arrays["change_bias"][[_row(arrays, corruption)]].mean(1)


def _row(arrays: Arrays, corruption: str) -> int:
    names = list(arrays.get("corruptions", ()))
    if corruption not in names:
        raise NotMeasured(f"the corruption {corruption} was not measured")
    return names.index(corruption)
