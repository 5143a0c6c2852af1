"""Numbers and sizes as config files write them."""

from fractions import Fraction


def number(value: int | float | str) -> int | float:
    """A number, or the value of a string such as "8/255" or "1e-3".

    Raises:
        ValueError, ZeroDivisionError: the string is not a number.
    """
    return float(Fraction(value)) if isinstance(value, str) else value


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
