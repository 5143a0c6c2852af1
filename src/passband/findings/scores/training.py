"""What is known of a training run: its recorded quantities, its accuracies, its schedule."""

from math import ceil
from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured
from passband.options import PartName, PositiveShare, RecorderName
from passband.quantities import number

Accuracy = Literal["train_accuracy", "val_accuracy", "val_robust_accuracy"]


@SCORES.register("recorded_last", probe="training", sample="training runs")
def recorded_last(arrays: Arrays, *, recorder: RecorderName, condition: str) -> np.ndarray:
    """The value recorded after the last epoch of a training run.

    Args:
        recorder: name of the recorder in the recipe.
        condition: which of its values, as curves.csv has it, e.g. `definition=spectral`.
    """
    return recorded(arrays, recorder, condition)[-1:]


@SCORES.register("recorded_growth", probe="training", sample="training runs")
def recorded_growth(arrays: Arrays, *, recorder: RecorderName, condition: str) -> np.ndarray:
    """The value recorded after the last epoch of a training run, divided by that after the first.

    Args:
        recorder: name of the recorder in the recipe.
        condition: which of its values, as curves.csv has it, e.g. `definition=spectral`.
    """
    values = recorded(arrays, recorder, condition)
    return values[-1:] / values[0]


def recorded(arrays: Arrays, recorder: str, condition: str) -> np.ndarray:
    """The values of a recorder, one per epoch; NotMeasured if they are absent or several."""
    found = [name for name in arrays if name.startswith(f"{recorder}|{condition}|")]
    if len(found) != 1:
        count = "several metrics" if found else "nothing"
        raise NotMeasured(f"'{recorder}' recorded {count} with '{condition}' in training")
    return arrays[found[0]].astype(float)


@SCORES.register("last_epoch", probe="training", unit="percent", sample="training runs")
def last_epoch(arrays: Arrays, *, column: Accuracy) -> np.ndarray:
    """An accuracy in the last epoch of a training run.

    Args:
        column: which one, as history.csv has it.
    """
    return _history(arrays, column)[-1:]


@SCORES.register("gained_late", probe="training", unit="points", sample="training runs")
def gained_late(arrays: Arrays, *, column: Accuracy, share: PositiveShare) -> np.ndarray:
    """By how much the best accuracy of the last epochs exceeds that of all epochs before them.

    It is large where a training ended while the model was still learning.

    Args:
        column: which accuracy, as history.csv has it.
        share: the last epochs as a share of all, rounded up.
    """
    values = _history(arrays, column)
    last = ceil(number(share) * len(values))
    return np.array([values[-last:].max() - values[:-last].max(initial=0.0)])


@SCORES.register("epochs_at_work", probe="training", unit="epochs", sample="training runs")
def epochs_at_work(arrays: Arrays, *, part: PartName, rate: PositiveShare) -> np.ndarray:
    """Epochs in which a part of the recipe was at work and the learning rate moved weights.

    Args:
        part: the part.
        rate: the least learning rate at the end of such an epoch, as a share of its peak.
    """
    if f"start|{part}" not in arrays:
        raise NotMeasured(f"training tells of no part '{part}'")
    rates = _history(arrays, "lr") / arrays["peak_rate"]
    moved = rates >= number(rate) * (1 - 1e-9)
    return np.array([float(moved[int(arrays[f"start|{part}"][0]) :].sum())])


def _history(arrays: Arrays, column: str) -> np.ndarray:
    if column not in arrays:
        raise NotMeasured(f"training has no '{column}'")
    return arrays[column].astype(float)
