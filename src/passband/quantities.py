"""Numbers and sizes as people write them in config files."""

from fractions import Fraction


def number(value: int | float | str) -> int | float:
    """A number, or the value of a text such as "8/255" or "1e-3".

    Raises ValueError or ZeroDivisionError for a text that is no number.
    """
    return float(Fraction(value)) if isinstance(value, str) else value


def size_at(side: int, size: int | str | Fraction, step: int = 1) -> int:
    """A size in pixels or frequencies: a whole number as it is, a fraction as a share of the side.

    A share is rounded to a multiple of `step`.

    >>> size_at(64, 8, step=2), size_at(64, "1/2", step=2), size_at(64, "8/8")
    (8, 32, 64)
    """
    if isinstance(size, int):
        return size
    return step * round(Fraction(size) * side / step)
