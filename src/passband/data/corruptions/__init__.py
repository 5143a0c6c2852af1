"""Common corruptions, one file per family (Hendrycks and Dietterich, ICLR 2019).

    corruption(images, draws, severity) -> images

Images are uint8 [N, C, H, W] with one or three channels (RGB); severity is 1 to 5. The constants
are those of CIFAR-10-C (github.com/hendrycks/robustness, make_cifar_c.py), which differ from those
of ImageNet-C. Lengths are in pixels whatever the side of the images, except where a function says
otherwise. An image of one channel is corrupted as an RGB image of three equal channels would be,
and keeps the luminance of the result, except that the covers of frost and spatter are made grey
before they are added; noise is drawn for each channel that it has.

Every draw is a function of (corruption, severity, image), and everything else is computed image by
image, so that the result does not depend on batches, order or machine. A function is registered
with its `title`, and with `pictures` if it takes an argument of this name.
"""

from collections.abc import Sequence

import numpy as np
import torch

from passband.draws import Draws, key_of
from passband.registry import Registry

CORRUPTIONS = Registry("corruption", __name__)
SEVERITIES = (1, 2, 3, 4, 5)
CHUNK = 100  # images that are corrupted together


def corrupted(
    images: np.ndarray, name: str, severity: int, pictures: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """The first images of a data set, corrupted.

    Args:
        images: uint8 [N, C, H, W].
        name: of a registered corruption.
        severity: 1 to 5.
        pictures: pictures of frost, see `passband.data.corruptions.frost`.

    Returns:
        uint8 [N, C, H, W].
    """
    apply, more = CORRUPTIONS[name], {}
    if CORRUPTIONS.settings(name).get("pictures"):
        more["pictures"] = pictures
    key, found = key_of("corruption", name, severity), np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        part = slice(start, min(start + CHUNK, len(images)))
        draws = Draws(key, torch.arange(part.start, part.stop))
        found[part] = apply(images[part], draws, severity, **more)
    return found


def as_bytes(values: np.ndarray) -> np.ndarray:
    """Values clipped to [0, 1], as uint8; truncated, not rounded, like the published images."""
    return (np.clip(values, 0, 1) * 255).astype(np.uint8)


def normal(draws: Draws, purpose: str, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers, float64 [N, *shape]."""
    return draws.normal(purpose, shape).double().numpy()


def uniform(
    draws: Draws, purpose: str, shape: tuple[int, ...], low: float = 0, high: float = 1
) -> np.ndarray:
    """Uniform numbers in [low, high), float64 [N, *shape]."""
    return low + (high - low) * draws.uniform(purpose, shape).double().numpy()
