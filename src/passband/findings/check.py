"""Check the findings of a paper while planning, before anything is measured."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from passband.dependencies import declared
from passband.errors import UserError, unknown
from passband.findings.claims import CLAIMS
from passband.findings.contrast import Contrast, Language, Term, language_of
from passband.findings.scores import Score, read_scores
from passband.findings.scores.accuracy import CLEAN
from passband.intervals import LEVEL
from passband.intervals.estimates import Interval
from passband.options import AttackName, Known, Names, read_row


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


def check_findings(
    findings: Sequence[Mapping],
    *,
    paper: Mapping,
    scores: Mapping[str, Mapping],
    probes: Mapping[str, str],
    attacks: Mapping[str, Collection[str]],
    measured: Mapping[str, Collection[str]],
    networks: Mapping[str, str],
    datasets: Collection[str],
) -> None:
    """Check a paper's findings against what will be measured.

    Args:
        findings: rows of findings.yaml that fit workflow/schemas/findings.schema.yaml.
        paper: content of paper.yaml.
        scores: rows of config/scores.yaml.
        probes: the registered function of each probe; `attack` for each attack, `training` for
            training.
        attacks: the attacks whose answers each probe stores, by their names.
        measured: what is measured of any model of each method: names of probes and attacks,
            "training", and "training:<recorder>" for each recorder.
        networks: titles of architectures by id.
        datasets: ids of data sets.

    Raises:
        UserError: one sentence with the finding, what is wrong and the nearest name.
    """
    recorders = {
        name.partition(":")[2]: Known(name.partition(":")[2])
        for names in measured.values()
        for name in names
        if name.startswith("training:")
    }
    names: Names = {
        "recorder": recorders,
        "probe": {name: Known(name, function) for name, function in probes.items()},
    }
    known = read_scores(scores)
    for score in known.values():
        _check_score(score, probes, attacks)
    language = language_of(paper, known)
    for finding in findings:
        name = finding["id"]
        try:
            _check_places(finding, paper, networks, datasets)
            asked = _asked(finding, language, names)
            for term in asked.terms:
                _check_arguments(term, attacks)
            needs = [(term.method, term.score.measurement) for term in asked.terms] + asked.needs
            for method, measurement in dict.fromkeys(needs):
                _check_need(finding, method, measurement, measured, networks, paper)
        except UserError as error:
            raise UserError(f"finding {name}: {error}") from None


def _check_score(
    score: Score, probes: Mapping[str, str], attacks: Mapping[str, Collection[str]]
) -> None:
    owner = f"score '{score.name}'"
    if score.probe not in probes:
        raise unknown(f"probe of {owner}", score.probe, probes)
    wanted = declared("findings/scores")[score.kind]
    function = wanted.settings["probe"]
    if probes[score.probe] != function:
        fitting = ", ".join(sorted(name for name, of in probes.items() if of == function))
        raise UserError(
            f"{owner} reads '{score.probe}', but {score.kind} needs what {function} measures: "
            f"{fitting or 'no such probe is defined'}."
        )
    recorder = str(score.constants.get("recorder"))  # the claims say of which model it is needed
    own = {
        "attack": {name: Known(name) for name in attacks.get(score.probe, ())},
        "recorder": {recorder: Known(recorder)},
        "part": {name: Known(name) for name in declared("training/parts")},
    }
    read_row(owner, wanted.keywords, score.constants, own)


def _check_places(
    finding: Mapping, paper: Mapping, networks: Collection[str], datasets: Collection[str]
) -> None:
    named = finding.get("architectures") or paper.get("networks", [])
    if not named:
        raise UserError("it names no 'architectures', and paper.yaml no usual 'networks'; add one.")
    for network in named:
        if network not in networks:
            raise unknown("architecture", network, networks)
    for dataset in finding["datasets"]:
        if dataset not in datasets:
            raise unknown("data set", dataset, datasets)


def _asked(finding: Mapping, language: Language, names: Names) -> Asked:
    """What a finding asks for on a data set."""
    known = declared("findings/claims")
    if finding["test"] not in known:
        raise unknown("test", finding["test"], known)
    keywords = known[finding["test"]].keywords
    read_row(finding["test"], keywords, finding["parameters"], names)
    groups = [Asked("one"), Asked("other")]  # some claims compare data sets
    CLAIMS[finding["test"]](groups, language, **finding["parameters"])
    for clause in finding["parameters"].get("clauses", []):
        for dataset in clause.get("for", []):
            if dataset not in finding["datasets"]:
                raise unknown("data set in 'for'", dataset, finding["datasets"])
    return groups[0]


def _check_arguments(term: Term, attacks: Mapping[str, Collection[str]]) -> None:
    for parameter, value in zip(term.score.arguments, term.arguments, strict=True):
        if parameter.annotation is AttackName:
            known = {CLEAN, *attacks.get(term.score.probe, ())}
            if (attack := str(value).lower()) not in known:
                raise unknown(f"attack of {term.score.name}", attack, known)


def _check_need(
    finding: Mapping,
    method: str,
    measurement: str,
    measured: Mapping[str, Collection[str]],
    networks: Mapping[str, str],
    paper: Mapping,
) -> None:
    name, joint, network = method.partition(" with ")
    titles = [networks[one] for one in finding.get("architectures") or paper["networks"]]
    if joint and network not in titles:
        raise unknown("network of the claim", network, titles)
    if name not in measured:
        if "awaits" in finding:
            return
        raise unknown("method", name, measured)
    if measurement not in measured[name]:
        raise UserError(
            f"it needs the measurement '{measurement}' of {name}, for which no artifact and no "
            f"recipe asks. Measured of it: {', '.join(sorted(measured[name])) or 'nothing'}."
        )
