"""Where in the frequency plane a model's Jacobians lie, and how much they look like the images."""

import numpy as np

from passband.findings.scores import SCORES, Arrays


@SCORES.register("jacobian_bias", probe="jacobian_spectrum")
def jacobian_bias(arrays: Arrays) -> np.ndarray:
    """Low-frequency bias of the mean spectrum of the Jacobians, as values per image with this
    mean; a flat spectrum has the natural logarithm of its number of rows and columns."""
    return arrays["bias"].astype(float)


@SCORES.register("image_bias", probe="jacobian_spectrum")
def image_bias(arrays: Arrays) -> np.ndarray:
    """Low-frequency bias of the mean spectrum of the images themselves."""
    return arrays["bias_images"].astype(float)


@SCORES.register("jacobian_alignment", probe="jacobian_spectrum")
def jacobian_alignment(arrays: Arrays) -> np.ndarray:
    """Absolute cosine (0..1) between an image and its Jacobian."""
    return arrays["alignment"].astype(float)
