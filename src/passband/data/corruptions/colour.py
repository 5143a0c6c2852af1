"""Colours: luminance, and hue, saturation and value (Smith, SIGGRAPH 1978)."""

import numpy as np

LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue (ITU-R BT.601)


def luminance(values: np.ndarray) -> np.ndarray:
    """Images [N, C, H, W] of one channel [N, 1, H, W]."""
    if values.shape[1] == 1:
        return values
    return sum(weight * values[:, [channel]] for channel, weight in enumerate(LUMINANCE))


def shown_as(values: np.ndarray, channels: int) -> np.ndarray:
    """RGB values [N, 3, H, W] for images of so many channels: themselves, or their luminance."""
    return luminance(values) if channels == 1 else values


def rgb_to_hsv(values: np.ndarray) -> np.ndarray:
    """Hue, saturation and value [N, 3, H, W] of RGB images [N, 3, H, W], all in [0, 1]."""
    red, green, blue = np.moveaxis(values, 1, 0)
    value = values.max(1)
    spread = value - values.min(1)
    some = np.where(spread == 0, 1, spread)
    hue = np.where(
        value == blue,
        4 + (red - green) / some,
        np.where(value == green, 2 + (blue - red) / some, (green - blue) / some),
    )
    hue = np.where(spread == 0, 0, hue / 6 % 1)
    return np.stack(
        [hue, np.where(spread == 0, 0, spread / np.where(value == 0, 1, value)), value], 1
    )


def hsv_to_rgb(values: np.ndarray) -> np.ndarray:
    """The inverse of `rgb_to_hsv`."""
    hue, saturation, value = np.moveaxis(values, 1, 0)
    sector = np.floor(hue * 6)
    share = hue * 6 - sector
    least = value * (1 - saturation)
    falling, rising = value * (1 - share * saturation), value * (1 - (1 - share) * saturation)
    of_sector = (
        (value, rising, least),
        (falling, value, least),
        (least, value, rising),
        (least, falling, value),
        (rising, least, value),
        (value, least, falling),
    )
    chosen = sector.astype(int) % 6
    return np.stack([np.choose(chosen, channel) for channel in zip(*of_sector, strict=True)], 1)
