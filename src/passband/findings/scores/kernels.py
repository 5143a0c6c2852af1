"""How smooth the kernels of a convolution are; NaN for a kernel without such a number."""

import numpy as np

from passband.findings.scores import Arrays, Kind, score

FIRST = Kind("first-kernels", sample="kernels")
SECOND = Kind("second-kernels", sample="kernels")


@score("total_variation", FIRST)
def total_variation(arrays: Arrays) -> np.ndarray:
    """Total variation of each kernel of the first convolution over its root mean square."""
    return arrays["total_variation"].astype(float)


@score("channel_correlation", FIRST)
def channel_correlation(arrays: Arrays) -> np.ndarray:
    """Mean correlation (-1..1) between the channels of each kernel of the first convolution."""
    return arrays["channel_correlation"].astype(float)


@score("high_share", FIRST)
def high_share(arrays: Arrays) -> np.ndarray:
    """Share (0..1) of high frequencies in the energy of each kernel of the first convolution."""
    return arrays["high_share"].astype(float)


@score("second_total_variation", SECOND)
def second_total_variation(arrays: Arrays) -> np.ndarray:
    """Total variation of each kernel of the second convolution over its root mean square."""
    return arrays["total_variation"].astype(float)
