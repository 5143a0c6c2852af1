"""Where the energy of one image's adversarial perturbation lies."""

from fractions import Fraction

import numpy as np

from passband.findings.scores import SCORES, Arrays, NotMeasured, at, bandwidth_of


@SCORES.register("energy_share", probe="perturbation_spectrum", unit="percent")
def energy_share(arrays: Arrays, bandwidth: Fraction, *, dc: bool) -> np.ndarray:
    """Share of the perturbation's energy inside the central square (percent).

    A flat spectrum has the square's share of the plane: 25 percent at half the side. The DC
    component is what remains of a perturbation whose sign is the same almost everywhere, as on
    images with a black background, from which nothing can be subtracted.

    Args:
        dc: whether the DC component counts, in the square and in the total.
    """
    share = arrays["energy_share"][at(arrays, bandwidth)].astype(float)
    return 100.0 * (share if dc else without_dc(share, arrays["dc_share"]))


def without_dc(share: np.ndarray, dc: np.ndarray) -> np.ndarray:
    """The share [N] of a square around the DC component, of the energy that is not the DC
    component's; NaN where there is no other."""
    rest = 1 - dc.astype(float)
    return np.divide(share - dc, rest, out=np.full(len(share), np.nan), where=rest > 0)


@SCORES.register("edge_drop", probe="perturbation_spectrum")
def edge_drop(arrays: Arrays, bandwidth: Fraction) -> np.ndarray:
    """How much more the amplitude falls across the edge of the central square than next to it.

    log(amplitude) falls from the ring just inside the edge to the ring just outside; the mean of
    the falls over the two neighbouring pairs of rings is subtracted. 0 is a smooth spectrum.
    """
    rings, edge = arrays["amplitude_by_radius"], bandwidth_of(arrays, bandwidth) // 2
    if edge < 4 or edge + 3 >= len(rings):
        raise NotMeasured("the images are too small for a contour in their spectrum")
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(rings[edge - 3 : edge + 4 : 2].astype(float))
    inner, across, outer = -np.diff(log, axis=0)
    return across - (inner + outer) / 2


@SCORES.register("autocorrelation", probe="perturbation_spectrum")
def autocorrelation(arrays: Arrays) -> np.ndarray:
    """Correlation (-1..1) of neighbouring pixels of the perturbation; 0 means no structure."""
    return arrays["autocorrelation"].astype(float)
