"""Whether an image is classified correctly: 0 or 100, so that means are percentages."""

from fractions import Fraction

import numpy as np

from passband.findings.scores import Arrays, Kind, at, score

PERCENT = (0.0, 100.0)


@score("lowpass", Kind("lowpass", "percent", PERCENT))
def lowpass(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy on images behind a low-pass filter; bandwidth 1 is no filter."""
    return 100.0 * arrays["correct"][at(arrays, bandwidth)]


@score("pgd20", Kind("pgd-20", "percent", PERCENT))
def pgd20(arrays: Arrays) -> np.ndarray:
    """Accuracy under PGD-20."""
    return 100.0 * arrays["correct"]


@score("perturbation_lowpass", Kind("pgd-20-bands", "percent", PERCENT))
def perturbation_lowpass(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy under the low-frequency part of PGD-20's perturbation; bandwidth 0 is clean."""
    return 100.0 * arrays["correct_lowpass"][at(arrays, bandwidth)]


@score("perturbation_highpass", Kind("pgd-20-bands", "percent", PERCENT))
def perturbation_highpass(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy under the high-frequency part of PGD-20's perturbation; bandwidth 0 is clean."""
    return 100.0 * arrays["correct_highpass"][at(arrays, bandwidth)]
