"""Clauses: contrasts against thresholds, and what each of them says of its claim."""

from collections.abc import Sequence
from itertools import groupby
from math import inf
from typing import NamedTuple

from passband.intervals import simultaneous
from passband.intervals.estimates import Interval

REPRODUCED, CONTRADICTED, INCONCLUSIVE = "reproduced", "contradicted", "inconclusive"


class Clause(NamedTuple):
    """One contrast of a claim against its threshold.

    direction: above, below (the threshold), within or beyond (threshold either side of zero).
    says: the measured fact in words, with the mark {effect} where the numbers belong.
    where: title of the data set. unit: "percent", "points" or "" for a pure number.
    family: what the clauses that one line of findings.yaml stands for have in common; the
    reason counts them and shows the one that decides. "" for a clause of its own. needed: how many
    of the family's clauses in one place have to hold; None for all of them. comparisons: how many
    intervals the clause's own is simultaneous with, itself included. sample: what n counts, in
    words. margin: takes the place of the interval, which is then NaN, where there is a single
    training run: how far from the threshold the effect has to lie.
    """

    interval: Interval
    direction: str
    threshold: float
    says: str
    where: str
    unit: str
    family: str = ""
    comparisons: int = 1
    sample: str = "images"
    margin: float | None = None
    needed: int | None = None

    @property
    def level(self) -> float:
        """Level of the interval."""
        return simultaneous(self.comparisons)

    @property
    def reach(self) -> Interval:
        """The interval that decides: the effect with the margin to either side, if it has one."""
        if self.margin is None:
            return self.interval
        effect, _, _, n = self.interval
        return Interval(effect, effect - self.margin, effect + self.margin, n)


def support(clause: Clause) -> float:
    """How firmly a clause holds: distance to the threshold over the half-width that faces it.

    Above 1 the whole interval lies on the claimed side, below -1 on the other one. A margin takes
    the half-width's place. An interval of no width, a point value, supports with inf, -inf or 0.
    """
    interval, threshold = clause.reach, clause.threshold
    if clause.direction == "above":
        return _above(interval, threshold)
    if clause.direction == "below":
        return _above(_negated(interval), -threshold)
    sides = _above(interval, threshold), _above(_negated(interval), threshold)
    return max(sides) if clause.direction == "beyond" else -max(sides)


def holds(clause: Clause) -> bool:
    """Whether the effect alone, without its interval, lies on the claimed side."""
    effect, _, _, n = clause.interval
    return support(clause._replace(interval=Interval(effect, effect, effect, n), margin=None)) > 0


def verdict(clause: Clause) -> str:
    """The verdict on one clause."""
    least = support(clause)
    return REPRODUCED if least > 1 else CONTRADICTED if least < -1 else INCONCLUSIVE


def deciding(clauses: Sequence[Clause]) -> list[Clause]:
    """The clauses that a claim comes down to: all of them, and of a family of which k are needed
    the one that holds k-th most firmly.

    If it is reproduced, so are the k - 1 before it; if it is contradicted, so are those behind it,
    and fewer than k can hold.
    """
    found = []
    for members in families(clauses):
        if (needed := members[0].needed) is not None:
            members = sorted(members, key=support, reverse=True)[needed - 1 : needed]
        found += members
    return found


def families(clauses: Sequence[Clause]) -> list[list[Clause]]:
    """Clauses of one family in one place together; a clause without a family stays alone."""
    found = []
    for (family, _), members in groupby(clauses, lambda one: (one.family, one.where)):
        together = list(members)
        found += [together] if family else [[one] for one in together]
    return found


def _above(interval: Interval, threshold: float) -> float:
    margin = interval.effect - threshold
    reach = interval.effect - interval.low if margin > 0 else interval.high - interval.effect
    if reach == 0:
        return inf * margin if margin else 0.0
    return margin / reach


def _negated(interval: Interval) -> Interval:
    return Interval(-interval.effect, -interval.high, -interval.low, interval.n)
