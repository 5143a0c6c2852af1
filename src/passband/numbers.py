"""Numbers as people write them in config files."""

from fractions import Fraction


def number(value: int | float | str) -> int | float:
    """A number, or the value of a fraction such as "8/255"."""
    return float(Fraction(value)) if isinstance(value, str) else value


def share_of(side: int, share: int | float | str) -> int:
    """A bandwidth given as a share of the image side ("1/2"), as an even number of frequencies."""
    return 2 * round(Fraction(share) * side / 2)
