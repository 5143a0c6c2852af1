"""The claim that a difference between models depends on the frequencies of a corruption."""

from collections.abc import Sequence

import numpy as np

from passband.dependencies import declared
from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Contrast, Language, parse_sum
from passband.findings.measured import Group
from passband.intervals.estimates import Interval, rank_correlation_interval
from passband.options import CorruptionName, Number
from passband.quantities import number

MARK = "{corruption}"


@CLAIMS.register("rank_correlation_over_corruptions")
def rank_correlation_over_corruptions(
    groups: Sequence[Group],
    language: Language,
    *,
    quantity: str,
    against: str,
    says: str,
    above: Number | None = None,
    below: Number | None = None,
    corruptions: list[CorruptionName] | None = None,
) -> list[Clause]:
    """A quantity has a rank correlation with another over the corruptions that is high, or low,
    enough.

    The interval is that of as many independent corruptions.

    Args:
        quantity: a sum of scores with {corruption} for the corruption.
        against: another one.
        says: the quantity and what it correlates with in words, with {effect} for the correlation.
        above: threshold of the correlation, from -1 to 1; either this or `below`.
        below: likewise.
        corruptions: the corruptions; all if left out.
    """
    if (above is None) == (below is None):
        raise UserError(
            f"above is {above} and below is {below}, expected one of them: name one threshold."
        )
    for key, text in ("quantity", quantity), ("against", against):
        if MARK not in text:
            raise UserError(
                f"{key} is '{text}', expected a sum of scores with the mark {MARK}: put it in the "
                "place of the corruption."
            )
    names = corruptions or [*declared("data/corruptions")]
    pairs = [
        [parse_sum(text.replace(MARK, repr(name)), language) for name in names]
        for text in (quantity, against)
    ]
    return [
        Clause(
            _correlation(group, *pairs),
            "below" if above is None else "above",
            number(below if above is None else above),
            says,
            group.where,
            "",
            sample="corruptions",
        )
        for group in groups
    ]


def _correlation(group: Group, first: Sequence[Contrast], second: Sequence[Contrast]) -> Interval:
    values = (np.array([group.interval(one).effect for one in side]) for side in (first, second))
    try:
        return rank_correlation_interval(*values)
    except ValueError:  # all are equal
        return Interval(0.0, -1.0, 1.0, len(first))
