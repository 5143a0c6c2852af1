"""How alike the layers of a network are."""

import numpy as np

from passband.findings.scores import SCORES, Arrays


@SCORES.register("shallow_deep", probe="layer_similarity", sample="batches")
def shallow_deep(arrays: Arrays) -> np.ndarray:
    """Mean linear CKA between the first and the last third of the layers, per batch of images."""
    return arrays["shallow_deep_by_batch"].astype(float)
