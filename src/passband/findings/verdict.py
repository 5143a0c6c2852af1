"""From clauses to a verdict: the one rule that every finding goes through."""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

from passband.findings.clause import Clause, deciding, support, verdict
from passband.findings.reasons import describe

NOT_TESTABLE, NOT_RUN = "not testable here", "not run"


class Outcome(NamedTuple):
    """A verdict with the contrast of the deciding clause and the reason in words."""

    verdict: str
    effect: float
    ci_low: float
    ci_high: float
    threshold: float
    direction: str
    n: int
    sample: str
    unit: str
    reason: str


def decide(clauses: Sequence[Clause], ours: bool = False) -> Outcome:
    """Judge a claim that is the conjunction of `clauses` (at least one).

    reproduced: the interval of every deciding clause lies on the claimed side of its threshold.
    contradicted: at least one lies wholly on the other side. inconclusive: anything else. The
    numbers reported are those of the weakest deciding clause.

    Args:
        clauses: the clauses.
        ours: whether thresholds other than 0 are not the paper's.
    """
    weakest = min(deciding(clauses), key=support)
    effect, low, high, n = weakest.interval
    return Outcome(
        verdict(weakest),
        effect,
        low,
        high,
        weakest.threshold,
        weakest.direction,
        n,
        weakest.sample,
        weakest.unit,
        describe(clauses, ours),
    )


def not_run(reason: str) -> Outcome:
    """The outcome of a claim that nothing was measured for."""
    return Outcome(NOT_RUN, nan, nan, nan, nan, "", 0, "", "", reason)
