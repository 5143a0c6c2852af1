"""How smooth the kernels of a convolution are; NaN for a kernel without such a number."""

import numpy as np

from passband.findings.scores import SCORES, Arrays


@SCORES.register("total_variation", probe="kernels", sample="kernels")
def total_variation(arrays: Arrays) -> np.ndarray:
    """Total variation of each kernel over its root mean square."""
    return arrays["total_variation"].astype(float)


@SCORES.register("sign_agreement", probe="kernels", sample="kernels")
def sign_agreement(arrays: Arrays) -> np.ndarray:
    """Share (0..1) of neighbouring weights in each kernel that have the same sign."""
    return arrays["sign_agreement"].astype(float)


@SCORES.register("channel_correlation", probe="kernels", sample="kernels")
def channel_correlation(arrays: Arrays) -> np.ndarray:
    """Mean correlation (-1..1) between the channels of each kernel."""
    return arrays["channel_correlation"].astype(float)


@SCORES.register("high_share", probe="kernels", sample="kernels")
def high_share(arrays: Arrays) -> np.ndarray:
    """Share (0..1) of high frequencies in the energy of each kernel."""
    return arrays["high_share"].astype(float)
