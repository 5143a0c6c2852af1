"""The claim that a recorded quantity rises with the epochs of training."""

from collections.abc import Sequence

import numpy as np

from passband.findings.claims import CLAIMS
from passband.findings.contrast import METHODS
from passband.findings.measured import Group
from passband.findings.scores import NotMeasured
from passband.findings.scores.history import column_of
from passband.findings.statistics import (
    Interval,
    average,
    rank_correlation_interval,
    with_seeds,
)
from passband.findings.verdict import Clause


@CLAIMS.register("rank_correlation_with_epoch")
def rank_correlation_with_epoch(
    groups: Sequence[Group], *, column: str, model: str, above: float, says: str
) -> list[Clause]:
    """The rank correlation of a column of a model's history.csv with the epoch is larger than
    `above`.

    The interval of a run is that of as many independent epochs. Over several runs the correlation
    is averaged, and their spread widens the interval.
    """
    return [
        Clause(
            _correlation(group, METHODS.get(model, model), column),
            "above",
            above,
            f"{says} correlates {{effect}} with the epoch in rank",
            group.where,
            "",
            sample="epochs",
        )
        for group in groups
    ]


def _correlation(group: Group, method: str, column: str) -> Interval:
    runs = group.read(method, "history").values()
    values = [column_of(one, column) for one in runs]
    try:
        found = [rank_correlation_interval(np.arange(len(one)), one) for one in values]
    except ValueError as error:
        raise NotMeasured(f"{error}, and '{column}' has none on {group.title}") from None
    return with_seeds(average(found), np.array([one.effect for one in found]))
