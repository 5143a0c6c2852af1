"""The common claim: inequalities that hold together, on every data set."""

import re
from collections.abc import Mapping, Sequence

from passband.errors import UserError, unknown
from passband.findings.claims import CLAIMS
from passband.findings.contrast import Contrast, parse
from passband.findings.measured import Group
from passband.findings.scores import SCORES
from passband.findings.verdict import Clause

KEYS = {"holds", "says", "for"}
SHARE = re.compile(r"\{(\d+(?:/\d+)?)\}")


@CLAIMS.register("contrasts")
def contrasts(groups: Sequence[Group], *, clauses: list[dict]) -> list[Clause]:
    """Every clause holds on every data set.

    A clause has `holds` (an inequality, see passband.findings.contrast), `says` (the measured fact
    in words: {effect} marks the numbers, {5/8} a bandwidth) and, if it speaks of some of the
    claim's data sets only, `for` (their ids).
    """
    read = read_clauses(clauses)
    return [
        Clause(
            group.interval(contrast),
            contrast.direction,
            contrast.threshold,
            _with_bandwidths(clause["says"], group, contrast),
            group.where,
            unit_of(contrast),
        )
        for group in groups
        for clause, contrast in read
        if speaks_of(clause, group.dataset) or group.stands_in
    ]


def read_clauses(clauses: object) -> list[tuple[Mapping, Contrast]]:
    """Each clause with its inequality read. Raises UserError for what makes no sense."""
    if not isinstance(clauses, list) or not clauses:
        raise UserError("clauses must be a list of at least one clause.")
    for clause in clauses:
        if not isinstance(clause, Mapping):
            raise UserError(f"clauses: '{clause}' is not a mapping with 'holds' and 'says'.")
        for key in {"holds", "says"} - set(clause):
            raise UserError(f"clauses: a clause lacks '{key}'.")
        for key in set(clause) - KEYS:
            raise unknown("key of a clause", str(key), KEYS)
        if "{effect}" not in clause["says"]:
            raise UserError(f"clauses: '{clause['says']}' lacks the mark {{effect}}.")
    return [(clause, _read(clause["holds"])) for clause in clauses]


def _read(holds: str) -> Contrast:
    try:
        return parse(holds)
    except UserError as error:
        raise UserError(f"clauses, {error}") from None


def speaks_of(clause: Mapping, dataset: str) -> bool:
    """Whether a clause is about a data set."""
    return dataset in clause.get("for", [dataset])


def unit_of(contrast: Contrast) -> str:
    """The unit of a contrast: that of its scores, and points for a difference of percentages."""
    unit = SCORES[contrast.terms[0].score].kind.unit
    return "points" if unit == "percent" and len(contrast.terms) > 1 else unit


def _with_bandwidths(says: str, group: Group, contrast: Contrast) -> str:
    return SHARE.sub(lambda mark: str(group.bandwidth(contrast, mark[1])), says)
