"""How the ratio R of low to high frequencies in the first activation develops in training."""

import numpy as np

from passband.findings.scores import Arrays, Kind, NotMeasured, score

COLUMN = "lfi_hfi_per_channel"
RUNS = Kind("history", sample="training runs")


@score("ratio_last", RUNS)
def ratio_last(arrays: Arrays) -> np.ndarray:
    """R after the last epoch of a training run."""
    return column_of(arrays, COLUMN)[-1:]


@score("ratio_growth", RUNS)
def ratio_growth(arrays: Arrays) -> np.ndarray:
    """R after the last epoch of a training run, divided by R after the first."""
    ratios = column_of(arrays, COLUMN)
    return ratios[-1:] / ratios[0]


def column_of(arrays: Arrays, column: str) -> np.ndarray:
    """A column of history.csv, one value per epoch; NotMeasured if it is absent."""
    if column not in arrays:
        raise NotMeasured(f"'{column}' was not recorded in training")
    return arrays[column].astype(float)
