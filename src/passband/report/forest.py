"""Effects of different units on one axis: their distance from the threshold, in half-widths."""

from collections.abc import Mapping
from math import asinh
from typing import NamedTuple

from markupsafe import Markup

from passband.report.marks import mark
from passband.report.wording import MINUS

FARTHEST = 30.0
"""Half-widths at which the axis ends; what lies beyond is drawn at its end."""

TICKS = (-10, -3, -1, 0, 1, 3, 10)


class Standing(NamedTuple):
    """Where an effect and the ends of its interval stand: distance from the threshold over the
    half-width that faces it, positive on the claimed side."""

    effect: float
    low: float
    high: float


def standing(row: Mapping) -> Standing | None:
    """Where a finding's weakest contrast stands; None if it has no interval.

    Beyond 1 the whole interval lies on the claimed side of the threshold, below -1 on the other.

    >>> row = {"effect": 12.0, "ci_low": 11.0, "ci_high": 14.0, "threshold": 10.0}
    >>> standing(row | {"direction": "above"})
    Standing(effect=2.0, low=1.0, high=4.0)
    >>> standing(row | {"direction": "below"})
    Standing(effect=-2.0, low=-4.0, high=-1.0)
    >>> standing(row | {"effect": -8.0, "ci_low": -9.0, "ci_high": -6.0, "direction": "within"})
    Standing(effect=2.0, low=1.0, high=4.0)
    """
    numbers = [row[key] for key in ("effect", "ci_low", "ci_high")]
    if None in numbers or row["threshold"] is None or not row["direction"]:
        return None
    effect, low, high = numbers
    if row["direction"] in ("within", "beyond"):  # of the threshold on either side of zero
        if effect < 0:
            effect, low, high = -effect, -high, -low
        low = max(low, 0.0)
    sign = 1 if row["direction"] in ("above", "beyond") else -1
    centre, *ends = (sign * (value - row["threshold"]) for value in (effect, low, high))
    reach = abs(centre - (min(ends) if centre > 0 else max(ends))) or abs(centre) / FARTHEST or 1.0
    return Standing(centre / reach, min(ends) / reach, max(ends) / reach)


def place(value: float) -> float:
    """Where the axis has a distance, in percent of its width.

    >>> place(0), round(place(-1), 1), place(1000)
    (50.0, 39.7, 98.0)
    """
    inside = max(-FARTHEST, min(FARTHEST, value))
    return 50 + 48 * asinh(inside) / asinh(FARTHEST)


def axis() -> Markup:
    """The numbers along the axis, to be stretched to any width."""
    numbers = "".join(
        f'<text x="{place(tick):.2f}%" y="1em">{str(tick).replace("-", MINUS)}</text>'
        for tick in TICKS
    )
    return Markup(f'<svg class="ticks">{numbers}</svg>')


def strip(row: Mapping) -> Markup:
    """A finding's interval and verdict on the axis, to be stretched to any width."""
    if not (at := standing(row)):
        return mark(row["verdict"]) + Markup("<small>one training run, no interval</small>")
    low, effect, high = map(place, (at.low, at.effect, at.high))
    return Markup(
        f'<svg class="strip {row["verdict"].replace(" ", "-")}" aria-hidden="true">'
        f'<line x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
        f'<svg x="{effect:.2f}%" y="50%" class="at">{mark(row["verdict"], centred=True)}</svg>'
        "</svg>"
    )
