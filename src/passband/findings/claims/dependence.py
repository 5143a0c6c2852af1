"""The claim that a quantity depends on the model and on the data set."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Contrast, Language, parse_sum
from passband.findings.measured import Group
from passband.findings.scores import NotMeasured
from passband.intervals import simultaneous
from passband.intervals.estimates import Interval, difference
from passband.options import Number
from passband.quantities import number


@CLAIMS.register("depends_on_model_and_dataset")
def depends_on_model_and_dataset(
    groups: Sequence[Group],
    language: Language,
    *,
    score: str,
    models: list[str],
    by: Number,
    says: str,
) -> list[Clause]:
    """On each data set the two models that lie farthest apart, and for each model the two data
    sets that lie farthest apart, differ enough in the mean of a score.

    The farthest pair is chosen after looking, so the intervals of all pairs are simultaneous: those
    of models on a data set, and those of data sets over all models. Pairs of models share their
    images, data sets are independent samples.

    Args:
        score: a sum of scores with {model} for the model.
        models: at least two words of methods.
        by: the smallest difference, in either direction.
        says: the quantity in words.
    """
    if len(models) < 2:
        raise UserError("models must name at least two.")
    of = {model: parse_sum(score.replace("{model}", model), language) for model in models}
    if not groups:
        return []
    if len(groups) < 2:
        raise NotMeasured(f"the claim compares data sets, and only {groups[0].title} is measured")

    unit, by = _minus(of[models[0]], of[models[1]]).unit, number(by)
    words_of = {model: language.model(language.method(model)) for model in models}
    clauses = []
    pairs = comb(len(models), 2)
    for group in groups:
        (first, second), interval = _widest(
            ((a, b), group.interval(_minus(of[a], of[b]), simultaneous(pairs)))
            for a, b in combinations(models, 2)
        )
        pair = f"the {words_of[first]} and the {words_of[second]}, the models farthest apart,"
        words = f"{says} differs between {pair} by {{effect}}"
        clauses.append(Clause(interval, "beyond", by, words, group.where, unit, "", pairs))
    pairs = len(models) * comb(len(groups), 2)
    level = simultaneous(pairs)
    for model in models:
        alone = [(group.where, group.interval(of[model], level)) for group in groups]
        (first, second), interval = _widest(
            ((a[0], b[0]), difference(a[1], b[1])) for a, b in combinations(alone, 2)
        )
        words = f"{says} of the {words_of[model]} differs by {{effect}}"
        where = f"{first} against {second}"
        clauses.append(Clause(interval, "beyond", by, words, where, unit, "", pairs))
    return clauses


def _widest(
    pairs: Iterable[tuple[tuple[str, str], Interval]],
) -> tuple[tuple[str, str], Interval]:
    return max(pairs, key=lambda pair: abs(pair[1].effect))


def _minus(first: Contrast, second: Contrast) -> Contrast:
    negated = tuple(term._replace(factor=-term.factor) for term in second.terms)
    return first._replace(terms=first.terms + negated, constant=first.constant - second.constant)
