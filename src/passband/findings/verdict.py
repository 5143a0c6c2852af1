"""From clauses to a verdict: the one rule that every finding goes through."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from math import inf, isinf, nan
from typing import NamedTuple

from passband.intervals import LEVEL
from passband.intervals.estimates import Interval

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
    family: what the clauses that one line of findings.yaml stands for have in common; the
    reason counts them and shows the weakest. "" for a clause of its own. level: of the interval.
    sample: what n counts, in words. margin: takes the place of the interval, which is then NaN,
    where there is a single training run: how far from the threshold the effect has to lie.
    """

    interval: Interval
    direction: str
    threshold: float
    says: str
    where: str
    unit: str
    family: str = ""
    level: float = LEVEL
    sample: str = "images"
    margin: float | None = None

    @property
    def reach(self) -> Interval:
        """The interval that decides: the effect with the margin to either side, if it has one."""
        if self.margin is None:
            return self.interval
        effect, _, _, n = self.interval
        return Interval(effect, effect - self.margin, effect + self.margin, n)


class Outcome(NamedTuple):
    """A verdict with the contrast of the weakest clause and the reason in words."""

    verdict: str
    effect: float
    ci_low: float
    ci_high: float
    n: int
    sample: str
    unit: str
    reason: str


def support(clause: Clause) -> float:
    """How firmly a clause holds: distance to the threshold over the half-width that faces it.

    Above 1 the whole interval lies on the claimed side, below -1 on the other one. A margin takes
    the half-width's place.
    """
    interval, threshold = clause.reach, clause.threshold
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
    verdict, sample, unit = _verdict(weakest), weakest.sample, weakest.unit
    return Outcome(verdict, effect, low, high, n, sample, unit, _reason(clauses))


def not_run(reason: str) -> Outcome:
    """The outcome of a claim that nothing was measured for."""
    return Outcome(NOT_RUN, nan, nan, nan, 0, "", "", reason)


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
    effect = clause.interval.effect
    decimals = 1 if clause.unit else 3
    unit = f" {clause.unit}" if clause.unit else ""
    claim = DIRECTIONS[clause.direction].format(f"{clause.threshold:g}".replace("-", "−"))
    numbers = f"{_text(effect, decimals)}{unit} ({_spread(clause, decimals)}; claim: {claim})"
    return re.sub(r"\{effect\}", numbers, clause.says)


def _spread(clause: Clause, decimals: int) -> str:
    _, low, high, n = clause.interval
    if clause.margin is not None:
        return f"one training run has no interval, a margin of {clause.margin:g} decides"
    if n == 1 and isinf(low):
        return f"no interval, since the number of {clause.sample} is 1"
    over = "" if clause.sample == "images" else f" over {n:,} {clause.sample}"
    ends = f"{_text(low, decimals)} to {_text(high, decimals)}"
    return f"{100 * clause.level:.3g} % CI {ends}{over}"


def _text(value: float, decimals: int) -> str:
    return f"{value + 0.0:.{decimals}f}".replace("-", "−")
