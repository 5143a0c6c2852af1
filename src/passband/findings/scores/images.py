"""How well a filter or an attack preserves the texture and the shape of an image."""

from typing import Literal

import numpy as np

from passband.findings.scores import SCORES, Arrays

Image = Literal["filtered", "attacked"]
ROWS = {"filtered": 0, "attacked": 1}


@SCORES.register("detail", probe="example_images")
def detail(arrays: Arrays, image: Image) -> np.ndarray:
    """Correlation of the finest differences with the clean image's: 1 is the same texture."""
    return arrays["detail_kept"][ROWS[image]].astype(float)


@SCORES.register("shape", probe="example_images")
def shape(arrays: Arrays, image: Image) -> np.ndarray:
    """Correlation of the coarse edge map with the clean image's: 1 is the same shape."""
    return arrays["shape_kept"][ROWS[image]].astype(float)
