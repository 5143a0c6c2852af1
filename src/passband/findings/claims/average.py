"""The claim that inequalities hold on average over data sets."""

from collections.abc import Sequence

from passband.findings.claims import CLAIMS
from passband.findings.claims.contrasts import Line, read_clauses
from passband.findings.clause import Clause
from passband.findings.contrast import Language
from passband.findings.measured import Group
from passband.intervals import simultaneous
from passband.intervals.estimates import average
from passband.text import listed


@CLAIMS.register("contrasts_on_average")
def contrasts_on_average(
    groups: Sequence[Group], language: Language, *, clauses: list[dict[str, object]]
) -> list[Clause]:
    """Every clause holds on average over the data sets that are measured, each with the same
    weight.

    Data sets are independent samples. Where only one is measured, the clauses are judged on it.

    Args:
        clauses: as those of `contrasts`.
    """
    lines = read_clauses(clauses, language)
    spoken = [line for line in lines if any(map(line.speaks_of, groups))]
    return [_averaged(line, groups, len(spoken)) for line in spoken]


def _averaged(line: Line, groups: Sequence[Group], comparisons: int) -> Clause:
    spoken_of = [group for group in groups if line.speaks_of(group)]
    level = simultaneous(comparisons)
    places = listed(group.where for group in spoken_of)
    return Clause(
        average([group.interval(line.contrast, level) for group in spoken_of]),
        line.contrast.direction,
        line.contrast.threshold,
        line.says,
        f"average over {places}" if len(spoken_of) > 1 else places,
        line.contrast.unit,
        line.family,
        comparisons,
        line.contrast.sample,
    )
