"""Whether a claim holds in the numbers that its own paper prints."""

from collections.abc import Mapping

import pandas as pd

from passband.findings.claims.contrasts import read_clauses, speaks_of
from passband.findings.contrast import Contrast, Term
from passband.findings.statistics import Interval
from passband.findings.verdict import Clause, support


def printed_check(finding: Mapping, table: pd.DataFrame) -> str:
    """Recompute the field `printed` of a finding from a table of its paper.

    table: rows of config/reference/sar_table1.csv. Point values against the thresholds, no
    interval. Returns consistent (every clause holds), contradicted (none does), partly, or
    no_numbers (the table lacks what the claim is about).
    """
    if finding["test"] != "contrasts":
        return "no_numbers"
    clauses = read_clauses(finding["parameters"]["clauses"])
    try:
        held = [
            _holds(contrast, _printed_value(contrast, dataset, table))
            for dataset in finding["datasets"]
            for clause, contrast in clauses
            if speaks_of(clause, dataset)
        ]
    except KeyError:
        return "no_numbers"
    return "consistent" if all(held) else "partly" if any(held) else "contradicted"


def _holds(contrast: Contrast, value: float) -> bool:
    exact = Interval(value, value, value, 1)
    return support(Clause(exact, contrast.direction, contrast.threshold, "", "", "")) > 0


def _printed_value(contrast: Contrast, dataset: str, table: pd.DataFrame) -> float:
    titles = table["dataset"].str.lower().str.replace("-", "")
    rows = table[titles == dataset.replace("-", "")]
    return contrast.constant + sum(term.factor * _cell(term, rows) for term in contrast.terms)


def _cell(term: Term, rows: pd.DataFrame) -> float:
    rows = rows[rows["method"] == term.method]
    if term.score == "pgd20":
        values = rows.loc[rows["metric"] == "PGD-20", "value"]
    elif term.score == "lowpass":
        bandwidths = rows["condition"].str.removeprefix("lpf=").where(rows["metric"] == "clean")
        bandwidths = pd.to_numeric(bandwidths)
        values = rows.loc[bandwidths == float(term.arguments[0]) * bandwidths.max(), "value"]
    else:
        raise KeyError(term.score)
    if values.empty:
        raise KeyError(term)
    return float(values.iloc[0])
