"""How a quantity that is recorded after each epoch develops in training."""

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured
from passband.options import RecorderName


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
