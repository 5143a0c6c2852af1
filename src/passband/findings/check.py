"""Check the findings of a paper while planning, before anything is measured."""

from collections.abc import Collection, Mapping, Sequence
from itertools import product

from passband.dependencies import declared
from passband.errors import UserError, unknown
from passband.findings.asked import Asked, ask
from passband.findings.clause import Clause
from passband.findings.contrast import Language, Term, language_of
from passband.findings.preconditions import read_preconditions
from passband.findings.scores import CLEAN, Score, read_scores
from passband.options import AttackName, CorruptionName, FilterName, Known, Names, read_row
from passband.text import listed


def check_findings(
    findings: Sequence[Mapping],
    *,
    paper: Mapping,
    preconditions: Mapping[str, Mapping],
    themes: Collection[str],
    scores: Mapping[str, Mapping],
    probes: Mapping[str, str],
    attacks: Mapping[str, Collection[str]],
    filters: Mapping[str, Collection[str]],
    measured: Mapping[str, Collection[str]],
    places: Mapping[str, Collection[tuple[str, str]]],
    networks: Mapping[str, str],
    datasets: Collection[str],
) -> None:
    """Check a paper's findings against what will be measured.

    Args:
        findings: rows of findings.yaml that fit workflow/schemas/findings.schema.yaml.
        paper: content of paper.yaml.
        preconditions: those of the paper's findings.yaml, by name.
        themes: names of config/themes.yaml.
        scores: rows of config/scores.yaml.
        probes: the registered function of each probe; `attack` for each attack, `training` for
            training.
        attacks: the attacks whose answers each probe stores, by their names.
        filters: names of the filters that each probe measures; for `training` all filters and
            `none`.
        measured: what is measured of any model of each method: names of probes and attacks,
            "training", "training:<recorder>" for each recorder, and "training:<recorder>:<filter>"
            for each filter with which it records accuracy; `none` stands for unfiltered images.
        places: data sets and architectures of the models of each method, as in the paper.
        networks: titles of architectures by id.
        datasets: ids of data sets.

    Raises:
        UserError: one sentence with the finding, what is wrong and the nearest name.
    """
    recorders = {
        name.partition(":")[2]: Known(name.partition(":")[2])
        for names in measured.values()
        for name in names
        if name.startswith("training:") and name.count(":") == 1
    }
    names: Names = {
        "recorder": recorders,
        "probe": {name: Known(name, function) for name, function in probes.items()},
    }
    for variant, network in paper.get("variants", {}).items():
        for name in (variant, network):
            if name not in networks:
                raise unknown("architecture in variants of paper.yaml", name, networks)
    known = read_scores(scores)
    for score in known.values():
        _check_score(score, probes, attacks)
    language = language_of(paper, known)
    conditions = read_preconditions(preconditions, language)
    rows = {finding["id"]: finding for finding in findings}
    for name, finding in rows.items():
        try:
            _check_words(finding, rows, conditions, themes)
            _check_places(finding, paper, networks, datasets)
            asked, clauses = _asked(finding, language, names)
            needed = [term for one in finding["needs"] for term in conditions[one][0].terms]
            for term in (*asked.terms, *needed):
                _check_arguments(term, attacks, filters)
            needs = [(term.method, _measurement(term)) for term in (*asked.terms, *needed)]
            for method, measurement in dict.fromkeys(needs + asked.needs):
                _check_need(finding, method, measurement, measured, networks, paper)
            for method in dict.fromkeys(method for method, _ in needs + asked.needs):
                _check_models(finding, method, places, networks, paper)
            _check_thresholds(finding, clauses)
        except UserError as error:
            raise UserError(f"finding {name}: {error}") from None
    for name in conditions:
        if not any(name in finding["needs"] for finding in findings):
            raise UserError(
                f"precondition '{name}': no finding needs it; name it under 'needs', or remove it."
            )


def _check_words(
    finding: Mapping,
    findings: Mapping[str, Mapping],
    preconditions: Collection[str],
    themes: Collection[str],
) -> None:
    """Check the theme, the preconditions and the finding that a finding names."""
    if finding["theme"] not in themes:
        raise unknown("theme", finding["theme"], themes)
    for name in finding["needs"]:
        if name not in preconditions:
            raise unknown("precondition in 'needs'", name, preconditions)
    if (other := finding.get("shares")) is None:
        return
    known = [name for name, row in findings.items() if row is not finding and "shares" not in row]
    if other not in known:
        raise unknown("finding in 'shares', which shares with no other,", other, known)


def _check_thresholds(finding: Mapping, clauses: Sequence[Clause]) -> None:
    found = [f"{clause.threshold:g}" for clause in clauses if clause.threshold]
    if found and "thresholds" not in finding:
        raise UserError(f"it has the threshold {found[0]}; add 'thresholds: paper' or 'ours'.")
    if not found and "thresholds" in finding:
        raise UserError("all its thresholds are 0, which are nobody's; remove 'thresholds'.")


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


def _asked(finding: Mapping, language: Language, names: Names) -> tuple[Asked, list[Clause]]:
    """What a finding asks for, and its clauses without a measurement."""
    known = declared("findings/claims")
    if finding["test"] not in known:
        raise unknown("test", finding["test"], known)
    read_row(finding["test"], known[finding["test"]].keywords, finding["parameters"], names)
    for clause in finding["parameters"].get("clauses", []):
        for dataset in clause.get("for", []) if isinstance(clause, Mapping) else ():
            if dataset not in finding["datasets"]:
                raise unknown("data set in 'for'", dataset, finding["datasets"])
    return ask(finding, language)


def _check_arguments(
    term: Term, attacks: Mapping[str, Collection[str]], filters: Mapping[str, Collection[str]]
) -> None:
    for parameter, value in zip(term.score.arguments, term.arguments, strict=True):
        known = filters.get(term.score.probe, ())
        if parameter.annotation is FilterName and value not in known:
            raise unknown(f"filter of {term.score.name}", value, known)
        if parameter.annotation is CorruptionName and value not in declared("data/corruptions"):
            known = declared("data/corruptions")
            raise unknown(f"corruption of {term.score.name}", value, known)
        if parameter.annotation is AttackName:
            known = {CLEAN, *attacks.get(term.score.probe, ())}
            if (attack := str(value).lower()) not in known:
                raise unknown(f"attack of {term.score.name}", attack, known)


def _measurement(term: Term) -> str:
    """What has to be measured for a term; for a recorder, with the filter that the term names."""
    behind = [
        f":{value}"
        for parameter, value in zip(term.score.arguments, term.arguments, strict=True)
        if parameter.annotation is FilterName and "recorder" in term.score.constants
    ]
    return "".join([term.score.measurement, *behind])


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


def _check_models(
    finding: Mapping,
    method: str,
    places: Mapping[str, Collection[tuple[str, str]]],
    networks: Mapping[str, str],
    paper: Mapping,
) -> None:
    """Refuse a claim about models of a method on data sets and networks for which there is none."""
    name, _, title = method.partition(" with ")
    about = finding.get("architectures") or paper["networks"]
    fitting = [one for one in about if title in ("", networks[one])]
    variants = paper.get("variants", {})
    found = {(dataset, variants.get(one, one)) for dataset, one in places.get(name, ())}
    if "awaits" in finding or any(pair in found for pair in product(finding["datasets"], fitting)):
        return
    raise UserError(
        f"no model of {name} is {listed(fitting, 'or')} on {listed(finding['datasets'], 'or')}: "
        "correct 'architectures' or 'datasets', or add the model."
    )
