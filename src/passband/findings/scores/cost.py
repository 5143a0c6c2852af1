"""What training costs."""

import numpy as np

from passband.findings.scores import SCORES, Arrays


@SCORES.register("step_cost", probe="training_cost", sample="blocks")
def step_cost(arrays: Arrays) -> np.ndarray:
    """Time of a training step over that of a natural one, for each block of steps."""
    return arrays["ratio"].astype(float)
