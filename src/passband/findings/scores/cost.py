"""What training costs."""

import numpy as np

from passband.findings.scores import SCORES, Arrays


@SCORES.register("step_cost", probe="training_cost", sample="blocks")
def step_cost(arrays: Arrays) -> np.ndarray:
    """Ratio of the time of a training step to that of a natural one, for each block of steps."""
    return arrays["ratio"].astype(float)
