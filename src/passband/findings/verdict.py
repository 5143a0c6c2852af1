"""From clauses to a verdict: the one rule that every finding goes through."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from math import inf, nan
from typing import NamedTuple

from passband.findings.statistics import LEVEL, Interval

REPRODUCED, CONTRADICTED = "reproduced", "contradicted"
INCONCLUSIVE, NOT_RUN = "inconclusive", "not run"

DIRECTIONS = {
    "above": "more than {}",
    "below": "less than {}",
    "within": "at most {} either way",
    "beyond": "more than {} either way",
}


class Clause(NamedTuple):
    """One contrast of a claim against its threshold.

    direction: above, below (the threshold), within or beyond (threshold either side of zero).
    says: the measured fact in words, with the mark {effect} where the numbers belong.
    where: title of the data set. unit: "percent", "points" or "" for a pure number.
    family: what the clauses that one line of config/findings.yaml stands for have in common; the
    reason counts them and shows the weakest. "" for a clause of its own. level: of the interval.
    """

    interval: Interval
    direction: str
    threshold: float
    says: str
    where: str
    unit: str
    family: str = ""
    level: float = LEVEL


class Outcome(NamedTuple):
    """A verdict with the contrast of the weakest clause and the reason in words."""

    verdict: str
    effect: float
    ci_low: float
    ci_high: float
    n: int
    unit: str
    reason: str


def support(clause: Clause) -> float:
    """How firmly a clause holds: distance to the threshold over the half-width that faces it.

    Above 1 the whole interval lies on the claimed side, below -1 on the other one.
    """
    interval, threshold = clause.interval, clause.threshold
    if clause.direction == "above":
        return _above(interval, threshold)
    if clause.direction == "below":
        return _above(_negated(interval), -threshold)
    sides = _above(interval, threshold), _above(_negated(interval), threshold)
    return max(sides) if clause.direction == "beyond" else -max(sides)


def decide(clauses: Sequence[Clause]) -> Outcome:
    """Judge a claim that is the conjunction of `clauses` (at least one).

    reproduced: every interval lies on the claimed side of its threshold. contradicted: at least
    one lies wholly on the other side. inconclusive: anything else. The numbers reported are those
    of the weakest clause.
    """
    weakest = min(clauses, key=support)
    effect, low, high, n = weakest.interval
    return Outcome(_verdict(weakest), effect, low, high, n, weakest.unit, _reason(clauses))


def not_run(reason: str) -> Outcome:
    """The outcome of a claim that nothing was measured for."""
    return Outcome(NOT_RUN, nan, nan, nan, 0, "", reason)


def _verdict(clause: Clause) -> str:
    least = support(clause)
    return REPRODUCED if least > 1 else CONTRADICTED if least < -1 else INCONCLUSIVE


def _above(interval: Interval, threshold: float) -> float:
    margin = interval.effect - threshold
    reach = interval.effect - interval.low if margin > 0 else interval.high - interval.effect
    if reach == 0:
        return inf * margin if margin else 0.0
    return margin / reach


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.effect, -interval.high, -interval.low, interval.n)


def _reason(clauses: Sequence[Clause]) -> str:
    places = dict.fromkeys(clause.where for clause in clauses)
    return " ".join(
        f"On {place}, {'; '.join(_facts([one for one in clauses if one.where == place]))}."
        for place in places
    )


def _facts(clauses: Sequence[Clause]) -> list[str]:
    facts = []
    for family, members in groupby(clauses, lambda one: one.family):
        members = list(members)
        if not family or len(members) == 1:
            facts += map(_sentence, members)
            continue
        counts = Counter(map(_verdict, members))
        held, failed, undecided = (counts[one] for one in (REPRODUCED, CONTRADICTED, INCONCLUSIVE))
        facts.append(
            f"of {len(members)} comparisons {held} are {REPRODUCED}, {failed} {CONTRADICTED} and "
            f"{undecided} {INCONCLUSIVE}, at the weakest {_sentence(min(members, key=support))}"
        )
    return facts


def _sentence(clause: Clause) -> str:
    effect, low, high, _ = clause.interval
    decimals = 1 if clause.unit else 3
    unit = f" {clause.unit}" if clause.unit else ""
    claim = DIRECTIONS[clause.direction].format(f"{clause.threshold:g}")
    numbers = (
        f"{_text(effect, decimals)}{unit} ({100 * clause.level:.3g} % CI {_text(low, decimals)} "
        f"to {_text(high, decimals)}; claim: {claim})"
    )
    return re.sub(r"\{effect\}", numbers, clause.says)


def _text(value: float, decimals: int) -> str:
    return f"{value + 0.0:.{decimals}f}".replace("-", "−")
