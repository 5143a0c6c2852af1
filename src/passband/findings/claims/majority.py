"""The claim that one model is less sensitive than another in most frequencies."""

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np

from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Language
from passband.findings.measured import Group, on_common_images
from passband.findings.scores import Arrays
from passband.findings.scores.heatmap import added_wrong, plane_weight
from passband.intervals.estimates import Interval, majority_interval
from passband.options import Name, Number
from passband.quantities import number


@CLAIMS.register("less_sensitive_in_most_frequencies")
def less_sensitive_in_most_frequencies(
    groups: Sequence[Group],
    language: Language,
    *,
    model: str,
    than: str,
    probe: Annotated[str, Name("probe", of="fourier_heatmap")],
    share: Number,
) -> list[Clause]:
    """Noise adds fewer errors to one model than to another in most of the frequency plane.

    Added errors are errors under the noise minus those without it.

    Args:
        model: the less sensitive model: the word of a method, or a method.
        than: the other one.
        probe: the probe that measured the errors.
        share: the smallest share of the plane, in percent.
    """
    less, more = language.method(model), language.method(than)
    words = (
        f"noise adds fewer errors to the {language.model(less)} than to the {language.model(more)} "
        "in {effect} of the frequency plane"
    )
    return [
        Clause(
            group.estimate([less, more], probe, _less_sensitive),
            "above",
            number(share),
            words,
            group.where,
            "percent",
        )
        for group in groups
    ]


def _less_sensitive(models: Sequence[Mapping[int, Arrays]]) -> Interval:
    weights = plane_weight(next(iter(models[0].values())))
    added: list[dict[int, np.ndarray]] = [
        {seed: added_wrong(one) for seed, one in seeds.items()} for seeds in models
    ]
    low, high = on_common_images(added)
    effect, *ends, n = majority_interval(high - low, weights)
    return Interval(100 * effect, *(100 * end for end in ends), n)
