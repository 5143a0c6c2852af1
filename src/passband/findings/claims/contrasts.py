"""The common claim: inequalities that hold together, on every data set."""

import re
from collections.abc import Mapping, Sequence
from itertools import chain, product
from math import isinf, nan
from typing import NamedTuple

from passband.dependencies import declared
from passband.errors import UserError, unknown
from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Contrast, Language, parse
from passband.findings.measured import Group
from passband.intervals import simultaneous
from passband.text import NAME, filled

KEYS = {"holds", "says", "for", "each", "at_least", "margin"}
SHARE = re.compile(r"\{(\d+(?:/\d+)?)\}")


class Line(NamedTuple):
    """A clause as findings.yaml writes it, read; `datasets` is None for all of them."""

    contrast: Contrast
    says: str
    datasets: tuple[str, ...] | None
    family: str
    margin: float | None = None
    needed: int | None = None

    def speaks_of(self, group: Group) -> bool:
        """Whether the clause is about a data set; a stand-in has to pass every clause."""
        return self.datasets is None or group.dataset in self.datasets or group.stands_in


@CLAIMS.register("contrasts")
def contrasts(
    groups: Sequence[Group], language: Language, *, clauses: list[dict[str, object]]
) -> list[Clause]:
    """Every clause holds on every data set.

    The intervals of all clauses on a data set are simultaneous.

    A clause has `holds` (an inequality, see passband.findings.contrast), `says` (the measured fact
    in words: {effect} marks the numbers, {5/8} a bandwidth) and, if it speaks of some of the
    claim's data sets only, `for` (their ids).

    Scores of training runs have no interval if there is one run. A clause about them may have a
    `margin` that then decides: how far beyond the threshold a single run has to lie, on either
    side. Without it, a single run leaves the clause open.

    `each` makes many clauses of one: a list of mappings from the names of marks such as {model}
    to a value or a list of values. Each mapping stands for all combinations of its values. With
    `at_least`, a number, so many of these clauses have to hold instead of all. They are reproduced
    if at least so many are, and contradicted if so many are that fewer than `at_least` can hold.

    Args:
        clauses: the clauses, at least one.
    """
    lines = read_clauses(clauses, language)
    return [clause for group in groups for clause in together(lines, group)]


def together(lines: Sequence[Line], group: Group) -> list[Clause]:
    """The clauses that speak of a data set, with simultaneous intervals."""
    spoken = [line for line in lines if line.speaks_of(group)]
    return [judged(line, group, len(spoken)) for line in spoken]


def judged(line: Line, group: Group, comparisons: int) -> Clause:
    """A clause on one data set, its interval simultaneous with those of other comparisons."""
    interval = group.interval(line.contrast, simultaneous(comparisons))
    margin = line.margin if isinf(interval.low) else None
    if margin is not None:
        interval = interval._replace(low=nan, high=nan)
    return Clause(
        interval,
        line.contrast.direction,
        line.contrast.threshold,
        SHARE.sub(lambda mark: str(group.bandwidth(line.contrast, mark[1])), line.says),
        group.where,
        line.contrast.unit,
        line.family,
        comparisons,
        line.contrast.sample,
        margin,
        line.needed,
    )


def check_clauses(clauses: object) -> None:
    """Raise UserError unless this is a list of clauses with the keys that they may have."""
    if not isinstance(clauses, list) or not clauses:
        raise UserError("clauses must be a list of at least one clause.")
    for clause in clauses:
        if not isinstance(clause, Mapping):
            raise UserError(f"clauses: '{clause}' is not a mapping with 'holds' and 'says'.")
        for key in ("holds", "says"):
            if key not in clause:
                raise UserError(f"clauses: a clause lacks '{key}'.")
            if not isinstance(clause[key], str):
                raise UserError(f"clauses: '{key}' is '{clause[key]}', not a string.")
        for key in set(clause) - KEYS:
            raise unknown("key of a clause", str(key), KEYS)
        if "{effect}" not in clause["says"]:
            raise UserError(f"clauses: '{clause['says']}' lacks the mark {{effect}}.")
        margin = clause.get("margin", 1)
        if isinstance(margin, bool) or not isinstance(margin, int | float) or margin <= 0:
            raise UserError(f"clauses: margin is '{margin}', expected a number above 0.")


def read_clauses(clauses: object, language: Language) -> list[Line]:
    """The clauses, those with `each` spelled out. Raises UserError for what makes no sense."""
    check_clauses(clauses)
    lines = []
    for clause in clauses:
        combinations = _combinations(clause)
        _check_count(clause, len(combinations))
        lines += [_line(clause, values, language) for values in combinations]
    return lines


def _check_count(clause: Mapping, many: int) -> None:
    if "at_least" not in clause:
        return
    count = clause["at_least"]
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= many:
        raise UserError(
            f"clauses, '{clause['holds']}': at_least is '{count}', expected a whole number from 1 "
            f"to {many}, the number of clauses that it stands for."
        )


def _line(clause: Mapping, values: Mapping[str, str], language: Language) -> Line:
    contrast = _read(filled(clause["holds"], values), language)
    if "margin" in clause and contrast.sample != "training runs":
        raise UserError(
            f"clauses, '{clause['holds']}': a margin decides for a single training run, and this "
            f"is a score of {contrast.sample}; remove it."
        )
    return Line(
        contrast,
        filled(clause["says"], {mark: _words(value, language) for mark, value in values.items()}),
        tuple(clause["for"]) if "for" in clause else None,
        clause["says"] if "each" in clause else "",
        clause.get("margin"),
        clause.get("at_least"),
    )


def _combinations(clause: Mapping) -> list[dict[str, str]]:
    """Values of the marks of a clause, once per clause that it stands for."""
    if "each" not in clause:
        return [{}]
    tables = clause["each"]
    if not isinstance(tables, list) or not tables:
        raise UserError("clauses: 'each' must be a list of mappings from marks to values.")
    found = []
    for table in tables:
        if not isinstance(table, Mapping):
            raise UserError(f"clauses: '{table}' in 'each' is not a mapping from marks to values.")
        marks = set(NAME.findall(clause["holds"]))
        for mark in set(table) - marks:
            raise unknown(f"mark in 'each' of '{clause['holds']}'", str(mark), marks)
        lists = [value if isinstance(value, list) else [value] for value in table.values()]
        for value in chain(*lists):
            if not isinstance(value, str):
                raise UserError(f"clauses: '{value}' in 'each' is not a string.")
        found += [dict(zip(table, values, strict=True)) for values in product(*lists)]
    return found


def _words(value: str, language: Language) -> str:
    """What sentences call a score or a corruption; other values go by their own name."""
    if value in language.scores:
        return language.scores[value].reads or value
    corruptions = declared("data/corruptions")
    return corruptions[value].settings["title"].lower() if value in corruptions else value


def _read(holds: str, language: Language) -> Contrast:
    for mark in NAME.findall(holds):
        raise UserError(f"clauses, '{holds}': the mark {{{mark}}} has no value; name it in 'each'.")
    try:
        return parse(holds, language)
    except UserError as error:
        raise UserError(f"clauses, {error}") from None
