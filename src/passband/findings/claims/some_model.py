"""The claim that at least one of several models does what the claim says."""

from collections.abc import Mapping, Sequence

from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.claims.contrasts import check_clauses, judged, read_clauses
from passband.findings.clause import Clause, support
from passband.findings.contrast import Language
from passband.findings.measured import Group

MARK = "{model}"


@CLAIMS.register("contrasts_for_some_model")
def contrasts_for_some_model(
    groups: Sequence[Group],
    language: Language,
    *,
    models: list[str],
    clauses: list[dict[str, object]],
) -> list[Clause]:
    """On every data set the clauses with {model} hold together for at least one of the models; the
    other clauses hold as they stand.

    Of the models the one whose weakest clause holds most firmly is shown, and the claim is
    contradicted only if it is for every one. The model is chosen after looking, so the intervals
    of all clauses of all models on a data set are simultaneous.

    Args:
        models: at least two methods, values of the placeholder: clean('{model}').
        clauses: as those of `contrasts`.
    """
    if len(models) < 2:
        raise UserError("models must name at least two.")
    check_clauses(clauses)
    marked = [clause for clause in clauses if MARK in clause["holds"]]
    others = [clause for clause in clauses if MARK not in clause["holds"]]
    if not marked:
        raise UserError(f"clauses: none has the mark {MARK}.")
    lines = [
        read_clauses([_with(clause, model) for clause in marked], language) for model in models
    ]
    fixed = read_clauses(others, language) if others else []
    found = []
    for group in groups:
        spoken = [[line for line in each if line.speaks_of(group)] for each in (*lines, fixed)]
        comparisons = sum(map(len, spoken))
        *candidates, rest = [[judged(line, group, comparisons) for line in each] for each in spoken]
        found += max(candidates, key=lambda clauses: min(map(support, clauses), default=0.0))
        found += rest
    return found


def _with(clause: Mapping, model: str) -> dict:
    return {**clause, **{key: clause[key].replace(MARK, model) for key in ("holds", "says")}}
