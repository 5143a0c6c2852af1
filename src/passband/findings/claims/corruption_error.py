"""The claim that a model makes fewer errors under corruptions than another, relative to it."""

from collections.abc import Sequence

from passband.dependencies import declared
from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Contrast, Language, parse_sum
from passband.findings.measured import Group
from passband.findings.scores import NotMeasured
from passband.intervals import simultaneous
from passband.options import CorruptionName, Number
from passband.quantities import number


@CLAIMS.register("mean_corruption_error")
def mean_corruption_error(
    groups: Sequence[Group],
    language: Language,
    *,
    score: str,
    relative_to: str,
    threshold: Number,
    below: list[str] | None = None,
    above: list[str] | None = None,
    corruptions: list[CorruptionName] | None = None,
) -> list[Clause]:
    """Models have a mean corruption error (mCE) below or above a threshold, on every data set.

    The mCE is the mean over the corruptions of a model's error divided by that of a reference
    model, in percent: the reference itself has 100. Intervals are those of its first-order
    expansion in all errors (the delta method), paired over images, and simultaneous on a data set.

    Args:
        score: the score of the accuracy under one corruption, such as `corruption`.
        relative_to: the reference: the word of a method, or a method.
        threshold: in percent.
        below: models whose mCE lies below the threshold.
        above: models whose mCE lies above it.
        corruptions: the corruptions; all if left out.
    """
    claimed = [(one, "below") for one in below or ()] + [(one, "above") for one in above or ()]
    if not claimed:
        raise UserError("below and above name no model; name one.")
    names = corruptions or [*declared("data/corruptions")]
    reference, found = language.method(relative_to), []
    for group in groups:
        for model, direction in claimed:
            method = language.method(model)
            pairs = [_accuracies(score, name, (method, reference), language) for name in names]
            found.append(
                Clause(
                    group.interval(expanded(group, pairs), simultaneous(len(claimed))),
                    direction,
                    number(threshold),
                    f"the mCE of the {language.model(method)} relative to the "
                    f"{language.model(reference)} is {{effect}}",
                    group.where,
                    "percent",
                    comparisons=len(claimed),
                )
            )
    return found


def _accuracies(
    score: str, corruption: str, methods: tuple[str, str], language: Language
) -> tuple[Contrast, Contrast]:
    one, other = (parse_sum(f"{score}({method!r}, {corruption})", language) for method in methods)
    return one, other


def expanded(group: Group, accuracies: Sequence[tuple[Contrast, Contrast]]) -> Contrast:
    """The mCE as a sum of scores, expanded to first order about the measured errors.

    Args:
        group: where it is measured.
        accuracies: of the model and of the reference under each corruption, in percent.

    Raises:
        NotMeasured: the reference makes no error under a corruption.
    """
    terms, constant = [], 0.0
    for one, other in accuracies:
        error, reference = (100 - group.interval(accuracy).effect for accuracy in (one, other))
        if reference == 0:
            term = other.terms[0]
            raise NotMeasured(f"{term.method} makes no error under {term.arguments[0]}")
        ratio, weight = error / reference, 100 / reference / len(accuracies)
        for accuracy, factor in ((one, -weight), (other, weight * ratio)):
            (term,) = accuracy.terms
            terms.append(term._replace(factor=factor, score=term.score._replace(span=None)))
        constant += 100 * weight * (1 - ratio) + 100 * ratio / len(accuracies)
    return Contrast(tuple(terms), constant, "above", 0.0)
