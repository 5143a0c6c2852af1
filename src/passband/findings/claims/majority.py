"""The claim that one model is less sensitive than another in most frequencies."""

from collections.abc import Sequence

from passband.errors import unknown
from passband.findings.claims import CLAIMS
from passband.findings.contrast import METHODS, MODEL_WORDS
from passband.findings.measured import Group, on_common_images
from passband.findings.scores.heatmap import added_wrong, plane_weight
from passband.findings.statistics import Interval, majority_interval
from passband.findings.verdict import Clause


@CLAIMS.register("less_sensitive_in_most_frequencies")
def less_sensitive_in_most_frequencies(
    groups: Sequence[Group], *, model: str, than: str, share: float
) -> list[Clause]:
    """Noise adds fewer errors to `model` than to `than` in more than `share` percent of the
    frequency plane; added errors are errors under the noise minus clean errors."""
    for key, name in {"model": model, "than": than}.items():
        if name not in METHODS:
            raise unknown(f"model in '{key}'", name, METHODS)
    less, more = METHODS[model], METHODS[than]
    words = (
        f"noise adds fewer errors to the {MODEL_WORDS[less]} than to the {MODEL_WORDS[more]} "
        "in {effect} of the frequency plane"
    )
    return [
        Clause(
            _less_sensitive(group, less, more),
            "above",
            share,
            words,
            group.where,
            "percent",
        )
        for group in groups
    ]


def _less_sensitive(group: Group, less: str, more: str) -> Interval:
    arrays = [group.read(method, "fourier-heatmap") for method in (less, more)]
    weights = plane_weight(next(iter(arrays[0].values())))
    added = [{seed: added_wrong(one) for seed, one in seeds.items()} for seeds in arrays]
    low, high = on_common_images(added)
    effect, *ends, n = majority_interval(high - low, weights)
    return Interval(100 * effect, *(100 * end for end in ends), n)
