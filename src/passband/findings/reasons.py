"""The reason of a verdict: every clause of a claim in words, with all its numbers."""

from collections import Counter
from collections.abc import Sequence
from math import isinf

from passband.findings.clause import (
    CONTRADICTED,
    INCONCLUSIVE,
    REPRODUCED,
    Clause,
    deciding,
    families,
    support,
    verdict,
)

DIRECTIONS = {
    "above": "more than {}",
    "below": "less than {}",
    "within": "at most {} either way",
    "beyond": "more than {} either way",
}


def describe(clauses: Sequence[Clause], ours: bool) -> str:
    """All clauses, place by place.

    Args:
        clauses: the clauses of a claim.
        ours: whether thresholds other than 0 are not the paper's.
    """
    places = dict.fromkeys(clause.where for clause in clauses)
    return " ".join(
        _place(place, [one for one in clauses if one.where == place], ours) for place in places
    )


def stated(clause: Clause, note: str) -> str:
    """The fact of a clause, with its effect and a note in brackets."""
    unit = f" {clause.unit}" if clause.unit else ""
    effect = _text(clause.interval.effect, clause)
    return clause.says.replace("{effect}", f"{effect}{unit} ({note})")


def wanted(clause: Clause) -> str:
    """What a clause asks of the effect, in words."""
    unit = f" {clause.unit}" if clause.unit and clause.threshold else ""
    threshold = f"{clause.threshold:g}".replace("-", "−")
    return DIRECTIONS[clause.direction].format(f"{threshold}{unit}")


def _place(place: str, clauses: Sequence[Clause], ours: bool) -> str:
    facts = "; ".join(_fact(members, ours) for members in families(clauses))
    together = max(clause.comparisons for clause in clauses)
    many = f"; intervals are simultaneous over {together} comparisons" if together > 1 else ""
    return f"On {place}, {facts}{many}."


def _fact(members: Sequence[Clause], ours: bool) -> str:
    (shown,) = sorted(deciding(members), key=support)[:1]
    sentence = stated(shown, f"{_spread(shown)}; claim: {wanted(shown)}{_origin(shown, ours)}")
    if len(members) == 1:
        return sentence
    counts = Counter(map(verdict, members))
    held, failed, undecided = (counts[one] for one in (REPRODUCED, CONTRADICTED, INCONCLUSIVE))
    which = "the weakest"
    if shown.needed is not None:
        which = f"where at least {shown.needed} are needed, number {shown.needed} from the top"
    return (
        f"of {len(members)} comparisons {held} are {REPRODUCED}, {failed} {CONTRADICTED} and "
        f"{undecided} {INCONCLUSIVE}; {which}: {sentence}"
    )


def _origin(clause: Clause, ours: bool) -> str:
    return ", our threshold" if ours and clause.threshold else ""


def _spread(clause: Clause) -> str:
    _, low, high, n = clause.interval
    if clause.margin is not None:
        return f"one training run has no interval, a margin of {clause.margin:g} decides"
    if n == 1 and isinf(low):
        return f"no interval, since the number of {clause.sample} is 1"
    ends = f"{_text(low, clause)} to {_text(high, clause)}"
    return f"{100 * clause.level:.3g} % CI {ends} over {n:,} {clause.sample}"


def _text(value: float, clause: Clause) -> str:
    return f"{value + 0.0:.{1 if clause.unit else 3}f}".replace("-", "−")
