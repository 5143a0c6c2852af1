"""Numbers as people write them in config files."""

from fractions import Fraction


def number(value: int | float | str) -> int | float:
    """A number, or the value of a fraction such as "8/255"."""
    return float(Fraction(value)) if isinstance(value, str) else value


def bandwidth_at(side: int, bandwidth: int | str) -> int:
    """A bandwidth in frequencies: a whole number as it is, a fraction as a share of the side.

    >>> bandwidth_at(64, 8), bandwidth_at(64, "1/2"), bandwidth_at(64, "8/8")
    (8, 32, 64)
    """
    if isinstance(bandwidth, int):
        return bandwidth
    return 2 * round(Fraction(bandwidth) * side / 2)
