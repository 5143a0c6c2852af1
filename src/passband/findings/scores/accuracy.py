"""Whether an image is classified correctly: 0 or 100, so that means are percentages."""

from fractions import Fraction
from typing import Literal

import numpy as np

from passband.findings.scores import CLEAN, SCORES, Arrays, NotMeasured, at
from passband.options import AttackName, Share
from passband.quantities import withstood


@SCORES.register("filtered_accuracy", probe="filtered_accuracy", unit="percent", span=(0.0, 100.0))
def filtered_accuracy(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Accuracy on images behind a low-pass filter; bandwidth 1 is no filter."""
    return 100.0 * arrays["correct"][at(arrays, bandwidth)]


@SCORES.register("plain_accuracy", probe="accuracy", unit="percent", span=(0.0, 100.0))
def plain_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy without an attack, on images as they are or as the model saw them in training."""
    return 100.0 * arrays["correct"]


@SCORES.register("clean_accuracy", probe="attack", unit="percent", span=(0.0, 100.0))
def clean_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy on the images as they are."""
    return 100.0 * arrays["correct_clean"]


@SCORES.register(
    "robust_accuracy", probe="attack", unit="percent", span=(0.0, 100.0), attacked=True
)
def robust_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy under an attack."""
    return 100.0 * arrays["correct"]


@SCORES.register(
    "accuracy_under",
    probe="accuracy_under_attacks",
    unit="percent",
    span=(0.0, 100.0),
    attacked=True,
)
def accuracy_under(arrays: Arrays, *, attack: AttackName) -> np.ndarray:
    """Accuracy under one of several attacks.

    Args:
        attack: one of those that the probe measures.
    """
    return 100.0 * arrays["correct"][_row(arrays, attack)]


@SCORES.register(
    "accuracy_at_epsilon",
    probe="minimal_epsilon",
    unit="percent",
    span=(0.0, 100.0),
    attacked=True,
)
def accuracy_at_epsilon(arrays: Arrays, *, search: AttackName, epsilon: Share) -> np.ndarray:
    """Accuracy under the smallest perturbations that a search found, up to epsilon.

    Args:
        search: one of the searches of the probe.
        epsilon: the perturbation bound, in the l-infinity norm.
    """
    if f"minimal_epsilon_{search}" not in arrays:
        raise NotMeasured(f"the search {search} was not made")
    return 100.0 * withstood(arrays[f"minimal_epsilon_{search}"], epsilon)


@SCORES.register(
    "accuracy_before_search", probe="minimal_epsilon", unit="percent", span=(0.0, 100.0)
)
def accuracy_before_search(arrays: Arrays) -> np.ndarray:
    """Accuracy on the clean images of a search."""
    return 100.0 * arrays["correct_clean"]


@SCORES.register(
    "worst_case_accuracy",
    probe="worst_case_accuracy",
    unit="percent",
    span=(0.0, 100.0),
    attacked=True,
)
def worst_case_accuracy(arrays: Arrays) -> np.ndarray:
    """Accuracy under the worst case over several attacks."""
    return 100.0 * arrays["survived"][-1]


@SCORES.register(
    "perturbation_band",
    probe="perturbation_bands",
    unit="percent",
    span=(0.0, 100.0),
    attacked=True,
)
def perturbation_band(
    arrays: Arrays, bandwidth: Fraction, *, keep: Literal["low", "high"]
) -> np.ndarray:
    """Accuracy under a part of an attack's perturbation; bandwidth 0 is no attack.

    Args:
        keep: its low- or its high-frequency part.
    """
    return 100.0 * arrays[f"correct_{keep}"][at(arrays, bandwidth, f"bandwidths_{keep}")]


@SCORES.register(
    "accuracy_behind_filter",
    probe="accuracy_under_filtered_attacks",
    unit="percent",
    span=(0.0, 100.0),
    attacked=True,
)
def accuracy_behind_filter(arrays: Arrays, attack: AttackName, bandwidth: Fraction) -> np.ndarray:
    """Accuracy under an attack behind a low-pass filter that the attack does not see.

    The attack may be in capitals; `'clean'` is no attack, bandwidth 1 no filter.
    """
    row = 0 if attack == CLEAN else 1 + _row(arrays, attack.lower())
    return 100.0 * arrays["correct"][row, at(arrays, bandwidth)]


def _row(arrays: Arrays, attack: str) -> int:
    names = list(arrays.get("attacks", ()))
    if attack not in names:
        raise NotMeasured(f"the attack {attack} was not measured")
    return names.index(attack)
