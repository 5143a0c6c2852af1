"""Whether a claim holds in the numbers that its own paper prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from passband.findings.claims import CLAIMS
from passband.findings.clause import deciding, holds
from passband.findings.contrast import Contrast, Term, language_of
from passband.findings.scores import read_scores
from passband.intervals import LEVEL
from passband.intervals.estimates import Interval

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Printed:
    """The rows that a table prints for one data set and network, read like measurements.

    rows: as `passband.printed.read_printed` has them.
    """

    dataset: str
    title: str
    network: str
    rows: "pd.DataFrame"
    stands_in = False

    @property
    def where(self) -> str:
        """The data set as reasons name it."""
        return self.title

    def estimate(self, methods: Sequence[str], measurement: str, estimator: object) -> Interval:
        """No table prints what a probe stored."""
        raise KeyError(measurement)

    def joined(self, others: Sequence["Printed"]) -> "Printed":
        """The rows of several networks, with the methods as "METHOD with NETWORK"."""
        import pandas as pd

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

    def _bandwidths(self) -> "pd.Series":
        """The bandwidth of each row, NaN without a filter."""
        found = self.rows["condition"].astype(str).str.extract(r"lpf=(\d+)", expand=False)
        return found.astype(float)

    def _cell(self, term: Term) -> float:
        score = term.score
        if score.kind in ("recorded_last", "recorded_growth"):
            first, last = (
                self._value(term.method, score.printed, self._condition(f"epoch={epoch}"))
                for epoch in ("first", "last")
            )
            return last if score.kind == "recorded_last" else last / first
        given = dict(zip((one.name for one in score.arguments), term.arguments, strict=True))
        metric, share = given.get("attack", score.printed), given.get("bandwidth", 1)
        if "corruption" in given:
            metric = f"{metric}:{given['corruption']}"
        bandwidths = self._bandwidths()
        chosen = bandwidths == float(share) * bandwidths.max()
        return self._value(
            term.method, metric, chosen | bandwidths.isna() if share == 1 else chosen
        )

    def _condition(self, condition: str) -> "pd.Series":
        return self.rows["condition"] == condition

    def _value(self, method: str, metric: str, chosen: "pd.Series") -> float:
        of = self.rows["method"].isin([method, ""]) & (self.rows["metric"] == metric)
        values = self.rows.loc[chosen & of, "value"]
        if values.empty:
            raise KeyError(metric)
        return float(values.iloc[0])


def printed_check(
    finding: Mapping,
    table: "pd.DataFrame",
    paper: Mapping,
    scores: Mapping[str, Mapping],
    networks: Mapping[str, str],
    datasets: Mapping[str, str],
) -> str:
    """Recompute the field `printed` of a finding from the numbers of its paper.

    Point values are compared with the thresholds, without intervals. Of a cell that stands several
    times the first counts. Rows without a network or a method speak of all of them. The metric of a
    score that asks for a corruption is followed by a colon and the corruption.

    Args:
        finding: a row of findings.yaml.
        table: rows of the paper as `passband.printed.read_printed` has them.
        paper: content of its paper.yaml.
        scores: rows of config/scores.yaml.
        networks: titles of architectures by id.
        datasets: titles of data sets by id.

    Returns:
        consistent (every deciding clause holds), contradicted (none does), partly, or no_numbers
        (the table lacks what the claim is about).
    """
    groups = [
        Printed(
            dataset,
            datasets[dataset],
            networks[network],
            table[
                (table["dataset"] == datasets[dataset])
                & table["model"].isin([networks[network], ""])
            ],
        )
        for dataset in finding["datasets"]
        for network in finding.get("architectures") or paper["networks"]
    ]
    language = language_of(paper, read_scores(scores))
    try:
        clauses = CLAIMS[finding["test"]](groups, language, **finding["parameters"])
    except KeyError:
        return "no_numbers"
    held = [holds(clause) for clause in deciding(clauses)]
    return "consistent" if all(held) else "partly" if any(held) else "contradicted"
