"""Where the difference between attacked and clean images lies in the frequency plane."""

import numpy as np

from passband.findings.scores import SCORES, Arrays
from passband.findings.scores.spectrum import without_dc


@SCORES.register("difference_share", probe="input_spectra", unit="percent")
def difference_share(arrays: Arrays, *, dc: bool) -> np.ndarray:
    """Share of the difference's energy inside the central square of half the bandwidth (percent).

    A flat spectrum has 25 percent there.

    Args:
        dc: whether the DC component counts, in the square and in the total.
    """
    share = arrays["energy_share_difference"].astype(float)
    return 100.0 * (share if dc else without_dc(share, arrays["dc_share_difference"]))


@SCORES.register("difference_trend", probe="input_spectra")
def difference_trend(arrays: Arrays, *, dc: bool) -> np.ndarray:
    """Rank correlation of the difference's amplitude with the distance from the DC component.

    Spearman's, over the rings of the plane: -1 falls from every ring to the next. NaN where the
    attack changed nothing.

    Args:
        dc: whether the DC component, the innermost ring, counts.
    """
    from scipy.stats import rankdata

    ranks = rankdata(arrays["amplitude_by_radius_difference"][0 if dc else 1 :], axis=0)
    ranks -= ranks.mean(axis=0)
    distance = np.arange(len(ranks)) - (len(ranks) - 1) / 2
    scale = np.sqrt(np.square(ranks).sum(axis=0) * np.square(distance).sum())
    return np.divide(distance @ ranks, scale, out=np.full(len(scale), np.nan), where=scale > 0)
