"""Frost: a crop of a picture of frost over the image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from passband.data.corruptions import CORRUPTIONS, normal, uniform
from passband.data.corruptions.colour import shown_as
from passband.data.mirrors import FROST_PICTURES
from passband.draws import Draws
from passband.errors import UserError

EVERY = 5  # pixels of a picture are used, in both directions

# Mean of red, green and blue and standard deviation of the published pictures.
LOOKS = np.array(
    [
        (78, 149, 166, 19),
        (201, 205, 214, 22),
        (201, 205, 214, 22),
        (138, 153, 166, 29),
        (112, 123, 135, 43),
    ]
)
SMOOTHNESS = {0: 0.75, 1: 0.5, 3: 0.4}  # of the procedural texture, in pixels, with weights
SHIFT = 0.45  # standard deviation of its mean over an image, in units of its own


@CORRUPTIONS.register("frost", title="Frost", pictures=True)
def frost(
    images: np.ndarray, draws: Draws, severity: int, pictures: Sequence[np.ndarray] = ()
) -> np.ndarray:
    """Add a picture of frost to the darkened image.

    Args:
        images: see the package.
        draws: likewise.
        severity: likewise.
        pictures: as `read_pictures` gives them; without any, procedural textures with the colours,
            the contrast and the spectrum of the published pictures.
    """
    kept, added = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    covers = _cut(draws, pictures, images.shape[2:]) if pictures else _texture(draws, images.shape)
    total = kept * images + added * shown_as(covers, images.shape[1])
    return np.clip(total, 0, 255).astype(np.uint8)


def read_pictures(folder: Path) -> list[np.ndarray]:
    """The pictures of frost in a folder, every fifth pixel as the published code samples them.

    Args:
        folder: see `passband.data.mirrors.frost_folder`.

    Returns:
        uint8 [3, h, w] each.

    Raises:
        UserError: one of them cannot be read or is too small.
    """
    from PIL import Image  # slow to import, needed here only

    found = []
    for name in FROST_PICTURES:
        try:
            with Image.open(folder / name, formats=["PNG", "JPEG"]) as picture:
                pixels = np.asarray(picture.convert("RGB"))
        except (OSError, Image.DecompressionBombError) as error:
            raise UserError(
                f"{folder / name} cannot be read as a picture of frost: replace it, or remove the "
                "folder to use a procedural texture."
            ) from error
        if min(pixels.shape[:2]) < EVERY:
            raise UserError(
                f"{folder / name} has {pixels.shape[1]} x {pixels.shape[0]} pixels, expected at "
                f"least {EVERY} x {EVERY}: replace it by the published picture."
            )
        found.append(pixels[EVERY // 2 :: EVERY, EVERY // 2 :: EVERY].transpose(2, 0, 1))
    return found


def _cut(draws: Draws, pictures: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """A crop of a random picture for each image, uint8 [N, 3, H, W]; small pictures repeat."""
    chosen = draws.integers("picture", len(pictures)).numpy()
    places = uniform(draws, "place", (2,))
    found = np.empty((len(chosen), 3, *shape), np.uint8)
    for number, picture in enumerate(pictures):
        which = np.flatnonzero(chosen == number)
        rows, columns = (
            _span(share, side, size)
            for share, side, size in zip(places[which].T, shape, picture.shape[1:], strict=True)
        )
        taken = picture[:, rows[:, :, None], columns[:, None]]
        found[which] = taken.transpose(1, 0, 2, 3)
    return found


def _span(shares: np.ndarray, side: int, size: int) -> np.ndarray:
    """Numbers [n, side] of successive rows or columns among `size`, from random ones on."""
    first = np.floor(shares * max(1, size - side)).astype(int)
    return (first[:, None] + np.arange(side)) % size


def _texture(draws: Draws, shape: tuple[int, ...]) -> np.ndarray:
    """Noise with the colours of a random picture, float64 [N, 3, H, W], values 0 to 255."""
    total = 0.0
    for sigma, weight in SMOOTHNESS.items():
        noise = normal(draws, ("texture", sigma), shape[2:])
        total = total + weight * _smoothed(noise, sigma)
    total = total / np.sqrt(sum(weight**2 for weight in SMOOTHNESS.values()))
    total = total + SHIFT * normal(draws, "shift", (1, 1))
    look = LOOKS[draws.integers("picture", len(LOOKS)).numpy(), :, None, None]
    return np.clip(look[:, :3] + look[:, 3:] * total[:, None], 0, 255)


def _smoothed(noise: np.ndarray, sigma: float) -> np.ndarray:
    """White noise [N, H, W] smoothed by a Gaussian, with its variance restored."""
    if not sigma:
        return noise
    weights = np.exp(-(np.arange(-4 * sigma, 4 * sigma + 1) ** 2) / (2 * sigma**2))
    weights /= np.sqrt((weights**2).sum())
    rows = ndimage.correlate1d(noise, weights, axis=1, mode="wrap")
    return ndimage.correlate1d(rows, weights, axis=2, mode="wrap")
