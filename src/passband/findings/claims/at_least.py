"""The claim that several of many inequalities hold."""

from collections.abc import Sequence

from passband.errors import UserError
from passband.findings.claims import CLAIMS
from passband.findings.claims.contrasts import read_clauses, together
from passband.findings.clause import Clause
from passband.findings.contrast import Language
from passband.findings.measured import Group


@CLAIMS.register("contrasts_at_least")
def contrasts_at_least(
    groups: Sequence[Group],
    language: Language,
    *,
    count: int,
    clauses: list[dict[str, object]],
) -> list[Clause]:
    """At least so many of the clauses hold, on every data set.

    The intervals of all clauses on a data set are simultaneous. The claim is reproduced if at least
    `count` clauses are, and contradicted if so many clauses are that fewer than `count` can hold.

    Args:
        count: how many clauses have to hold, from 1 to the number of clauses.
        clauses: as those of `contrasts`, without `for`.
    """
    lines = read_clauses(clauses, language)
    if any(line.datasets for line in lines):
        raise UserError("clauses: 'for' has no place where clauses are counted; remove it.")
    if not 1 <= count <= len(lines):
        raise UserError(f"count is {count}, expected 1 to {len(lines)}, the number of clauses.")
    return [
        clause._replace(family="counted", needed=count)
        for group in groups
        for clause in together(lines, group)
    ]
