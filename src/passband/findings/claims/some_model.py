"""The claim that at least one of several models does what the claim says."""

from collections.abc import Mapping, Sequence

from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.claims.contrasts import check_clauses, contrasts, judged, read_clauses
from passband.findings.measured import Group
from passband.findings.statistics import LEVEL
from passband.findings.verdict import Clause, support

MARK = "{model}"


@CLAIMS.register("contrasts_for_some_model")
def contrasts_for_some_model(
    groups: Sequence[Group], *, models: list[str], clauses: list[dict]
) -> list[Clause]:
    """On every data set the clauses with the mark {model} hold together for at least one of
    `models`; the other clauses hold as they stand.

    models: methods, for a mark in quotes: clean('{model}'). Of the models the one whose weakest
    clause holds most firmly is shown, and the claim is contradicted only if it is for every one.
    The model is chosen after looking, so the level of its intervals is 1 - 0.05 / number of
    models.
    """
    for model in models:
        if not isinstance(model, str):
            raise UserError(f"models: '{model}' is not a text.")
    if len(models) < 2:
        raise UserError("models must name at least two.")
    check_clauses(clauses)
    marked = [clause for clause in clauses if MARK in clause["holds"]]
    others = [clause for clause in clauses if MARK not in clause["holds"]]
    if not marked:
        raise UserError(f"clauses: none has the mark {MARK}.")
    lines = [read_clauses([_with(clause, model) for clause in marked]) for model in models]
    level = 1 - (1 - LEVEL) / len(models)
    found = []
    for group in groups:
        candidates = [
            [judged(line, group, level) for line in of_model if line.speaks_of(group)]
            for of_model in lines
        ]
        found += max(candidates, key=lambda clauses: min(map(support, clauses), default=0.0))
    return found + (contrasts(groups, clauses=others) if others else [])


def _with(clause: Mapping, model: str) -> dict:
    return {**clause, **{key: clause[key].replace(MARK, model) for key in ("holds", "says")}}
