"""Whether a claim holds in the numbers that its own paper prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pandas as pd

from passband.findings.claims import CLAIMS
from passband.findings.contrast import Contrast, Term
from passband.findings.measured import network_title, usual_networks
from passband.findings.statistics import LEVEL, Interval
from passband.findings.verdict import support
from passband.printed_methods import method_of

COLUMNS = {
    "clean": "clean",
    "pgd20": "PGD-20",
    "pgd50": "PGD-50",
    "cw30": "C&W",
    "autoattack": "AA",
    "lowpass": "clean",
}
RATIO = "LFI/HFI"


@dataclass(frozen=True)
class Printed:
    """The rows that a table prints for one data set and network, read like measurements.

    rows: with our names of methods.
    """

    dataset: str
    network: str
    rows: pd.DataFrame
    stands_in = False

    @property
    def where(self) -> str:
        """The data set as reasons name it."""
        return self.dataset

    def read(self, method: str, probe: str) -> None:
        """No table prints what a probe stored."""
        raise KeyError(probe)

    def joined(self, others: Sequence["Printed"]) -> "Printed":
        """The rows of several networks, with the methods as "METHOD with NETWORK"."""
        named = [
            one.rows.assign(method=one.rows["method"] + f" with {one.network}")
            for one in (self, *others)
        ]
        return replace(self, rows=pd.concat(named))

    def interval(self, contrast: Contrast, level: float = LEVEL) -> Interval:
        """The printed value, with an interval of no width. Raises KeyError if a cell is absent."""
        cells = sum(term.factor * self._cell(term) for term in contrast.terms)
        value = contrast.constant + cells
        return Interval(value, value, value, 1)

    def bandwidth(self, contrast: Contrast, share: str) -> float:
        """The bandwidth in the table's images that a share of the side stands for."""
        return float(Fraction(share)) * self._bandwidths().max()

    def _bandwidths(self) -> pd.Series:
        """The bandwidth of each row, NaN without a filter."""
        found = self.rows["condition"].astype(str).str.extract(r"lpf=(\d+)", expand=False)
        return found.astype(float)

    def _cell(self, term: Term) -> float:
        if term.score == "ratio_last":
            return self._value(term.method, RATIO, self._condition("epoch=last"))
        if term.score == "ratio_growth":
            first, last = (self._condition(f"epoch={epoch}") for epoch in ("first", "last"))
            ratios = [self._value(term.method, RATIO, rows) for rows in (first, last)]
            return ratios[1] / ratios[0]
        if term.score == "accuracy":
            metric, share = term.arguments
        elif term.score in COLUMNS:
            metric, share = (COLUMNS[term.score], *term.arguments, 1)[:2]
        else:
            raise KeyError(term.score)
        bandwidths = self._bandwidths()
        chosen = bandwidths == float(share) * bandwidths.max()
        return self._value(
            term.method, metric, chosen | bandwidths.isna() if share == 1 else chosen
        )

    def _condition(self, condition: str) -> pd.Series:
        return self.rows["condition"] == condition

    def _value(self, method: str, metric: str, chosen: pd.Series) -> float:
        of = (self.rows["method"] == method) & (self.rows["metric"] == metric)
        values = self.rows.loc[chosen & of, "value"]
        if values.empty:
            raise KeyError(metric)
        return float(values.iloc[0])


def printed_check(finding: Mapping, table: pd.DataFrame) -> str:
    """Recompute the field `printed` of a finding from a table of its paper.

    table: rows of config/reference/sar_table1.csv or others of its paper. Of a cell that stands
    several times the first counts. Point values against the thresholds, no interval. Returns
    consistent (every clause holds), contradicted (none does), partly, or no_numbers (the table
    lacks what the claim is about).
    """
    titles = table["dataset"].str.lower().str.replace("-", "")
    table = table.assign(method=[method_of(row) for row in table.to_dict("records")])
    networks = finding.get("architectures") or usual_networks(finding["id"].split(".")[0])
    groups = [
        Printed(
            dataset,
            title,
            table[(titles == dataset.replace("-", "")) & (table["model"] == title)],
        )
        for dataset in finding["datasets"]
        for title in map(network_title, networks)
    ]
    try:
        clauses = CLAIMS[finding["test"]](groups, **finding["parameters"])
    except KeyError:
        return "no_numbers"
    held = [support(clause) > 0 for clause in clauses]
    return "consistent" if all(held) else "partly" if any(held) else "contradicted"
