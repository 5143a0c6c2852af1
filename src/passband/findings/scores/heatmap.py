"""Errors that noise along Fourier basis directions adds."""

from fractions import Fraction

import numpy as np

from passband.findings.scores import SCORES, Arrays, bandwidth_of


@SCORES.register("errors_inside", probe="fourier_heatmap", unit="points", span=(-100.0, 100.0))
def errors_inside(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Error rate (percent) over the directions inside the central square, minus the clean error."""
    return _added_errors(arrays, inside(arrays, bandwidth))


@SCORES.register("errors_outside", probe="fourier_heatmap", unit="points", span=(-100.0, 100.0))
def errors_outside(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Error rate (percent) over the directions outside the central square, minus the clean one."""
    return _added_errors(arrays, ~inside(arrays, bandwidth))


@SCORES.register("accuracy_under_noise", probe="fourier_heatmap", unit="percent", span=(0.0, 100.0))
def accuracy_under_noise(arrays: Arrays) -> np.ndarray:
    """Accuracy under the noise, over all directions of the plane.

    Where little of it is left the map is saturated: no direction can add more errors than another.
    """
    weight = plane_weight(arrays)
    return 100.0 * (weight / weight.sum()) @ (1.0 - arrays["wrong"])


def inside(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """Which directions [B] lie in the central square of the plane."""
    half = bandwidth_of(arrays, bandwidth) // 2
    frequencies = arrays["frequencies"]
    return ((frequencies >= -half) & (frequencies < half)).all(axis=1)


def plane_weight(arrays: Arrays) -> np.ndarray:
    """Cells of the frequency plane [B] that each direction stands for: f and -f, or just one."""
    half = len(arrays["error"]) // 2
    return np.where((arrays["frequencies"] % half == 0).all(axis=1), 1.0, 2.0)


def added_wrong(arrays: Arrays) -> np.ndarray:
    """Wrong under the noise minus wrong without it: float32 [B, N] in {-1, 0, 1}."""
    return arrays["wrong"].astype(np.float32) - arrays["wrong_clean"]


def _added_errors(arrays: Arrays, chosen: np.ndarray) -> np.ndarray:
    weight = np.where(chosen, plane_weight(arrays), 0.0)
    return 100.0 * (weight / weight.sum()) @ added_wrong(arrays)
