"""What a treatment of an image leaves of its texture and of its shape."""

from typing import Literal

import numpy as np

from passband.findings.scores import Arrays, Kind, score

Treatment = Literal["filtered", "attacked"]
ROWS = {"filtered": 0, "attacked": 1}


@score("detail", Kind("examples"))
def detail(arrays: Arrays, treatment: Treatment) -> np.ndarray:
    """Correlation of the finest differences with the clean image's: 1 is the same texture."""
    return arrays["detail_kept"][ROWS[treatment]].astype(float)


@score("shape", Kind("examples"))
def shape(arrays: Arrays, treatment: Treatment) -> np.ndarray:
    """Correlation of the coarse edge map with the clean image's: 1 is the same shape."""
    return arrays["shape_kept"][ROWS[treatment]].astype(float)
