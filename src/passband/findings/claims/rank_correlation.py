"""The claim that a recorded quantity rises with the epochs of training."""

from collections.abc import Mapping, Sequence

import numpy as np

from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Language
from passband.findings.measured import Group
from passband.findings.scores import Arrays, NotMeasured
from passband.findings.scores.training import recorded
from passband.intervals.estimates import (
    Interval,
    average,
    rank_correlation_interval,
    with_seeds,
)
from passband.options import Number, RecorderName
from passband.quantities import number


@CLAIMS.register("rank_correlation_with_epoch")
def rank_correlation_with_epoch(
    groups: Sequence[Group],
    language: Language,
    *,
    recorder: RecorderName,
    condition: str,
    model: str,
    above: Number,
    says: str,
) -> list[Clause]:
    """What is recorded after each epoch has a rank correlation with the epoch that is high enough.

    The interval of a run is that of as many independent epochs. Over several runs the correlation
    is averaged, and their spread widens the interval.

    Args:
        recorder: name of the recorder in the recipe.
        condition: the condition in curves.csv, such as `definition=spectral`.
        model: the word of a method, or a method.
        above: threshold of the correlation, from -1 to 1.
        says: the quantity in words.
    """

    def correlation(models: Sequence[Mapping[int, Arrays]]) -> Interval:
        values = [recorded(one, recorder, condition) for one in models[0].values()]
        try:
            found = [rank_correlation_interval(np.arange(len(one)), one) for one in values]
        except ValueError as error:
            raise NotMeasured(f"{error}, and those of '{recorder}' do not") from None
        return with_seeds(average(found), np.array([one.effect for one in found]))

    method = language.method(model)
    return [
        Clause(
            group.estimate([method], f"training:{recorder}", correlation),
            "above",
            number(above),
            f"{says} correlates {{effect}} with the epoch in rank",
            group.where,
            "",
            sample="epochs",
        )
        for group in groups
    ]
