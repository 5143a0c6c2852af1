"""Whether an image is classified correctly: 0 or 100, so that means are percentages."""

from fractions import Fraction
from typing import Literal

import numpy as np

from passband.findings.scores import Arrays, Kind, NotMeasured, at, score

PERCENT = (0.0, 100.0)
Attack = Literal["clean", "GN", "FGSM", "PGD-20", "BIM-20", "TPGD-20", "CW-20"]


@score("lowpass", Kind("lowpass", "percent", PERCENT))
def lowpass(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy on images behind a low-pass filter; bandwidth 1 is no filter."""
    return 100.0 * arrays["correct"][at(arrays, bandwidth)]


@score("clean", Kind("pgd-20", "percent", PERCENT, "no attack"))
def clean(arrays: Arrays) -> np.ndarray:
    """Accuracy on the images as they are."""
    return 100.0 * arrays["correct_clean"]


@score("pgd20", Kind("pgd-20", "percent", PERCENT, "PGD-20"))
def pgd20(arrays: Arrays) -> np.ndarray:
    """Accuracy under PGD-20."""
    return 100.0 * arrays["correct"]


@score("pgd50", Kind("stronger-attacks", "percent", PERCENT, "PGD-50"))
def pgd50(arrays: Arrays) -> np.ndarray:
    """Accuracy under PGD-50."""
    return 100.0 * arrays["correct"][_row(arrays, "pgd-50")]


@score("cw30", Kind("stronger-attacks", "percent", PERCENT, "C&W"))
def cw30(arrays: Arrays) -> np.ndarray:
    """Accuracy under C&W: PGD on the margin loss, 30 steps."""
    return 100.0 * arrays["correct"][_row(arrays, "cw-30")]


@score("autoattack", Kind("autoattack", "percent", PERCENT, "AutoAttack"))
def autoattack(arrays: Arrays) -> np.ndarray:
    """Accuracy under AutoAttack: what stands after all of its attacks."""
    return 100.0 * arrays["survived"][-1]


@score("perturbation_lowpass", Kind("pgd-20-bands", "percent", PERCENT))
def perturbation_lowpass(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy under the low-frequency part of PGD-20's perturbation; bandwidth 0 is clean."""
    return 100.0 * arrays["correct_lowpass"][at(arrays, bandwidth)]


@score("perturbation_highpass", Kind("pgd-20-bands", "percent", PERCENT))
def perturbation_highpass(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy under the high-frequency part of PGD-20's perturbation; bandwidth 0 is clean."""
    return 100.0 * arrays["correct_highpass"][at(arrays, bandwidth)]


@score("accuracy", Kind("filtered-attacks", "percent", PERCENT))
def accuracy(arrays: Arrays, attack: Attack, bandwidth: Fraction) -> np.ndarray:
    """Accuracy under an attack or `'clean'`, behind a low-pass filter; bandwidth 1 is none."""
    row = 0 if attack == "clean" else 1 + _row(arrays, attack.lower())
    return 100.0 * arrays["correct"][row, at(arrays, bandwidth)]


def _row(arrays: Arrays, attack: str) -> int:
    names = list(arrays.get("attacks", ()))
    if attack not in names:
        raise NotMeasured(f"the attack {attack} was not measured")
    return names.index(attack)
