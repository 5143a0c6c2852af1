"""Numbers and sizes as config files write them."""

import math
from fractions import Fraction


def number(value: int | float | str) -> int | float:
    """A number, or the value of a string such as "8/255", "1e-3" or "1_000".

    Raises:
        ValueError, ZeroDivisionError: the value is not a finite number.

    >>> number("8/255") == 8 / 255, number("1e-3"), number("1_000"), number(3)
    (True, 0.001, 1000.0, 3)
    """
    if isinstance(value, str):
        above, slash, below = value.partition("/")
        value = float(above) / float(below) if slash else float(above)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return value


def size_at(side: int, size: int | str | Fraction, step: int = 1) -> int:
    """A size in pixels or frequencies.

    Args:
        side: the side of the images in pixels.
        size: an integer, taken as it is, or a share of the side, rounded to a multiple of `step`.

    >>> size_at(64, 8, step=2), size_at(64, "1/2", step=2), size_at(64, "8/8")
    (8, 32, 64)
    """
    if isinstance(size, int):
        return size
    return step * round(Fraction(size) * side / step)


def held_out(images: int, fraction: float) -> int:
    """How many of the training images are held out for validation."""
    return round(images * fraction)


ROUNDING = 1e-6  # above the float32 error of the distance between two images in [0, 1]


def withstood(smallest, epsilon: float):
    """Whether no perturbation up to epsilon fools, given the smallest that does (number or array).

    Both are l-infinity norms, for pixels in [0, 1]; differences within rounding count as equal.

    >>> withstood(0.03 + 1e-8, 0.03), withstood(0.031, 0.03), withstood(float("inf"), 1)
    (False, True, True)
    """
    return smallest > epsilon + ROUNDING
