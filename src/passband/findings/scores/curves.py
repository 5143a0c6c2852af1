"""Accuracies that a recorder measured after each epoch, with filters (hfc, figures 3 to 6)."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured
from passband.options import FilterName, Percent, RecorderName

NONE = "none"  # instead of a filter: unfiltered images


@SCORES.register("recorded_accuracy", probe="training", unit="percent", sample="training runs")
def recorded_accuracy(
    arrays: Arrays,
    filter: FilterName,
    *,
    recorder: RecorderName,
    epoch: Literal["first", "last"] = "last",
) -> np.ndarray:
    """Accuracy recorded with a filter after the first or last epoch; `'none'` is no filter.

    Args:
        recorder: name of the recorder in the recipe.
        epoch: which epoch.
    """
    values = accuracies(arrays, recorder, filter)
    return values[:1] if epoch == "first" else values[-1:]


@SCORES.register("accuracy_when_learned", probe="training", unit="percent", sample="training runs")
def accuracy_when_learned(
    arrays: Arrays, filter: FilterName, *, recorder: RecorderName, level: Percent
) -> np.ndarray:
    """Accuracy recorded with a filter when accuracy without one first reaches a level, or in the
    last epoch if it never does.

    Args:
        recorder: name of the recorder in the recipe.
        level: of the accuracy on the recorder's unfiltered images, in percent.
    """
    values = accuracies(arrays, recorder, filter)
    reached = min(_first(accuracies(arrays, recorder, NONE), level), len(values) - 1)
    return values[reached : reached + 1]


@SCORES.register("epochs_to_reach", probe="training", unit="epochs", sample="training runs")
def epochs_to_reach(
    arrays: Arrays, filter: FilterName, *, recorder: RecorderName, level: Percent
) -> np.ndarray:
    """Epochs until accuracy recorded with a filter first reaches a level; `'none'` is no filter.

    A run that never reaches it counts as one epoch more than it has, a lower bound.

    Args:
        recorder: name of the recorder in the recipe.
        level: of the accuracy, in percent.
    """
    return np.array([1.0 + _first(accuracies(arrays, recorder, filter), level)])


def accuracies(arrays: Arrays, recorder: str, filter: str) -> np.ndarray:
    """The accuracies [epochs] that a recorder measured with a filter, in percent; NotMeasured if
    there are none."""
    condition = f"{recorder}|filter={filter}"
    for name, values in arrays.items():
        measured, _, metric = name.rpartition("|")
        if metric == "accuracy" and (measured == condition or measured.startswith(f"{condition};")):
            return values.astype(float)
    behind = "without a filter" if filter == NONE else f"behind '{filter}'"
    raise NotMeasured(f"'{recorder}' recorded no accuracy {behind} in training")


def _first(values: np.ndarray, level: float) -> int:
    """Index of the first value that reaches a level, or the number of values if none does."""
    found = np.flatnonzero(values >= level)
    return int(found[0]) if len(found) else len(values)
