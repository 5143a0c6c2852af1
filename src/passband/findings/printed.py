"""Whether a claim holds in the numbers that its own paper prints."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from passband.findings.claims import CLAIMS
from passband.findings.contrast import Contrast, Term
from passband.findings.measured import USUAL, network_title
from passband.findings.statistics import LEVEL, Interval
from passband.findings.verdict import support

COLUMNS = {
    "clean": "clean",
    "pgd20": "PGD-20",
    "pgd50": "PGD-50",
    "cw30": "C&W",
    "autoattack": "AA",
}


@dataclass(frozen=True)
class Printed:
    """The rows that a table prints for one data set and network, read like measurements."""

    dataset: str
    rows: pd.DataFrame
    stands_in = False

    @property
    def where(self) -> str:
        """The data set as reasons name it."""
        return self.dataset

    def read(self, method: str, probe: str) -> None:
        """No table prints what a probe stored."""
        raise KeyError(probe)

    def interval(self, contrast: Contrast, level: float = LEVEL) -> Interval:
        """The printed value, with an interval of no width. Raises KeyError if a cell is absent."""
        cells = sum(term.factor * self._cell(term) for term in contrast.terms)
        value = contrast.constant + cells
        return Interval(value, value, value, 1)

    def bandwidth(self, contrast: Contrast, share: str) -> float:
        """The bandwidth in the table's images that a share of the side stands for."""
        return float(Fraction(share)) * self._bandwidths().max()

    def _bandwidths(self) -> pd.Series:
        filtered = self.rows["metric"] == "clean"
        return pd.to_numeric(self.rows["condition"].str.removeprefix("lpf=").where(filtered))

    def _cell(self, term: Term) -> float:
        if term.score in COLUMNS:
            chosen = self.rows["metric"] == COLUMNS[term.score]
        elif term.score == "lowpass":
            bandwidths = self._bandwidths()
            chosen = bandwidths == float(term.arguments[0]) * bandwidths.max()
        else:
            raise KeyError(term.score)
        values = self.rows.loc[chosen & (self.rows["method"] == term.method), "value"]
        if values.empty:
            raise KeyError(term)
        return float(values.iloc[0])


def printed_check(finding: Mapping, table: pd.DataFrame) -> str:
    """Recompute the field `printed` of a finding from a table of its paper.

    table: rows of config/reference/sar_table1.csv or another one. Point values against the
    thresholds, no interval. Returns consistent (every clause holds), contradicted (none does),
    partly, or no_numbers (the table lacks what the claim is about).
    """
    titles = table["dataset"].str.lower().str.replace("-", "")
    groups = [
        Printed(
            dataset,
            table[
                (titles == dataset.replace("-", "")) & (table["model"] == network_title(network))
            ],
        )
        for dataset in finding["datasets"]
        for network in finding.get("architectures", USUAL)
    ]
    try:
        clauses = CLAIMS[finding["test"]](groups, **finding["parameters"])
    except KeyError:
        return "no_numbers"
    held = [support(clause) > 0 for clause in clauses]
    return "consistent" if all(held) else "partly" if any(held) else "contradicted"
