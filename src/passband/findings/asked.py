"""What a claim asks for: its test, judged on a data set on which nothing is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from passband.findings.claims import CLAIMS
from passband.findings.clause import Clause
from passband.findings.contrast import Contrast, Language, Term, parse
from passband.intervals import LEVEL
from passband.intervals.estimates import Interval


@dataclass
class Asked:
    """A data set on which nothing is measured: it keeps what a claim asks for.

    terms: of all contrasts. needs: (method, measurement) of other estimates.
    """

    dataset: str
    title: str = ""
    where: str = ""
    stands_in: bool = True
    terms: list[Term] = field(default_factory=list)
    needs: list[tuple[str, str]] = field(default_factory=list)

    def joined(self, others: Sequence["Asked"]) -> "Asked":
        """The networks of a claim all ask here."""
        return self

    def interval(self, contrast: Contrast, level: float = LEVEL) -> Interval:
        """An interval that says nothing."""
        self.terms += contrast.terms
        return Interval(0.0, 0.0, 0.0, 1)

    def estimate(self, methods: Sequence[str], measurement: str, estimator: object) -> Interval:
        """An interval that says nothing."""
        self.needs += [(method, measurement) for method in methods]
        return Interval(0.0, 0.0, 0.0, 1)

    def bandwidth(self, contrast: Contrast, share: str) -> str:
        """The share itself."""
        return share


def ask(finding: Mapping, language: Language) -> tuple[Asked, list[Clause]]:
    """What a finding asks for, and its clauses without a measurement."""
    groups = [Asked("one"), Asked("other")]  # some claims compare data sets
    clauses = CLAIMS[finding["test"]](groups, language, **finding["parameters"])
    return groups[0], clauses


def inputs(
    finding: Mapping, preconditions: Mapping[str, Mapping], language: Language
) -> list[tuple[str, str]]:
    """The measurements behind a finding and its preconditions: pairs of a method, without the
    network that a claim between networks names, and a probe, an attack or "training".

    Args:
        finding: a row of findings.yaml that planning has checked.
        preconditions: those of its paper.
        language: of its paper.
    """
    asked, _ = ask(finding, language)
    needed = [parse(preconditions[name]["holds"], language) for name in finding["needs"]]
    terms = [*asked.terms, *(term for contrast in needed for term in contrast.terms)]
    pairs = [(term.method, term.score.measurement) for term in terms] + asked.needs
    return list(
        dict.fromkeys(
            (method.partition(" with ")[0], measurement.partition(":")[0])
            for method, measurement in pairs
        )
    )
