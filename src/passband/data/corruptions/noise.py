"""Gaussian, speckle, impulse and shot noise."""

from functools import cache

import numpy as np
from scipy.special import pdtr

from passband.data.corruptions import CORRUPTIONS, as_bytes, normal, uniform
from passband.draws import Draws


@CORRUPTIONS.register("gaussian_noise", title="Gaussian noise")
def gaussian_noise(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Add normal noise to every value."""
    scale = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    return as_bytes(images / 255 + scale * normal(draws, "noise", images.shape[1:]))


@CORRUPTIONS.register("speckle_noise", title="Speckle noise")
def speckle_noise(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Add normal noise in proportion to the value."""
    scale = (0.06, 0.1, 0.12, 0.16, 0.2)[severity - 1]
    values = images / 255
    return as_bytes(values + values * scale * normal(draws, "noise", images.shape[1:]))


@CORRUPTIONS.register("impulse_noise", title="Impulse noise")
def impulse_noise(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Replace a share of the values by 0 or 255, each with probability 1/2."""
    amount = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    hit = uniform(draws, "hit", images.shape[1:]) < amount
    salt = uniform(draws, "salt", images.shape[1:]) < 0.5
    return np.where(hit, np.where(salt, 255, 0), images).astype(np.uint8)


@CORRUPTIONS.register("shot_noise", title="Shot noise")
def shot_noise(images: np.ndarray, draws: Draws, severity: int) -> np.ndarray:
    """Replace every value by a Poisson count of photons in proportion to it."""
    photons = (500, 250, 100, 75, 50)[severity - 1]
    counts = _poisson(images, photons, uniform(draws, "photons", images.shape[1:]))
    return as_bytes(counts / photons)


def _poisson(levels: np.ndarray, photons: int, uniform: np.ndarray) -> np.ndarray:
    """The quantiles of Poisson distributions of mean levels / 255 * photons, int64."""
    table = _distributions(photons)
    places = np.searchsorted(table.ravel(), levels + uniform, "right")
    return places - levels.astype(int) * table.shape[1]


@cache
def _distributions(photons: int) -> np.ndarray:
    """The distribution functions of all levels [256, counts], that of level k raised by k.

    So they stand behind each other in one rising table, and one search finds all quantiles.
    """
    most = photons + 8 * int(photons**0.5) + 10  # beyond all 2^24 quantiles
    means = np.arange(256)[:, None] / 255 * photons
    return np.arange(256)[:, None] + pdtr(np.arange(most), means)
