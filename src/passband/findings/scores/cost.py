"""What training costs."""

import numpy as np

from passband.findings.scores import SCORES, Arrays


@SCORES.register("step_cost", probe="training_cost", sample="blocks")
def step_cost(arrays: Arrays) -> np.ndarray:
    """Ratio of the time of a training step to that of a natural one, for each block of steps."""
    return arrays["ratio"].astype(float)


@SCORES.register("step_drift", probe="training_cost", sample="blocks")
def step_drift(arrays: Arrays) -> np.ndarray:
    """By what share of it the time of a natural step changes while the other step is timed.

    The absolute value of the median over the blocks, as each block's value: a machine is steady or
    it is not, and single blocks may be disturbed.
    """
    control = arrays["control"].astype(float)
    return np.full(len(control), abs(np.median(control) - 1))
