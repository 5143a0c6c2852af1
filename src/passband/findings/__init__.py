"""Findings: every claim of a paper as a test on measurements, with a verdict.

A claim is a conjunction of clauses (verdict.py), a clause an inequality between means of scores,
mostly per image (scores/, contrast.py), and its interval comes from the test images and the seeds
(statistics.py). config/findings.yaml holds the claims, docs/findings.md explains the verdicts.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import get_origin

import pandas as pd

from passband.errors import UserError, unknown
from passband.findings.claims import CLAIMS
from passband.findings.measured import Group, groups_for, usual_networks
from passband.findings.printed import printed_check
from passband.findings.scores import NotMeasured
from passband.findings.verdict import Outcome, decide, not_run

__all__ = ["check_finding", "judge", "printed_check"]

REQUIRED = {
    "id", "artifact", "claim", "printed", "printed_note", "test", "parameters", "transfers",
    "datasets", "definition",
}  # fmt: skip
OPTIONAL = {"architectures"}
COLUMNS = (
    "finding", "artifact", "claim", "verdict", "effect", "ci_low", "ci_high", "n", "sample", "unit",
    "printed", "reason",
)  # fmt: skip
KINDS = {list: "list", str: "text", float: "number"}
PRINTED = {"consistent", "partly", "contradicted", "no_numbers"}


def judge(findings: Sequence[Mapping], models: Sequence[Mapping], scale: Mapping) -> pd.DataFrame:
    """Judge claims on what a scale measured.

    findings: rows of config/findings.yaml. models: one entry per slug and seed, with slug, model,
    method, seed, dataset, dataset_title, paper_dataset, paper_dataset_title, architecture,
    paper_architecture, probes (name -> path of `arrays`) and training (path of `history`). scale:
    its `title` is named where a claim could not be judged.

    Returns one row per finding: finding, artifact, claim, verdict, effect, ci_low, ci_high, n,
    sample, unit, printed, reason. The numbers are those of the weakest clause; n counts what
    `sample` says, mostly images. A single training run has no interval: both ends are NaN.
    Raises UserError for a row that makes no sense.
    """
    for finding in findings:
        check_finding(finding)
    rows = [_row(finding, _outcome(finding, models, scale)) for finding in findings]
    return pd.DataFrame(rows, columns=COLUMNS)


def check_finding(finding: Mapping) -> None:
    """Raise UserError, naming the finding and the key, unless its test can read its row."""
    name = finding.get("id", "without id")
    for key in sorted(REQUIRED - set(finding)):
        raise UserError(f"finding {name}: '{key}' is missing.")
    for key in sorted(set(finding) - REQUIRED - OPTIONAL):
        raise UserError(f"finding {name}: {unknown('key', key, REQUIRED | OPTIONAL)}")
    try:
        usual = usual_networks(finding["id"].split(".")[0])
        test = CLAIMS[finding["test"]]
    except UserError as error:
        raise UserError(f"finding {name}: {error}") from None
    networks = finding.get("architectures", list(usual))
    if not isinstance(networks, list) or not networks:
        raise UserError(
            f"finding {name}: 'architectures' must be a list of at least one architecture, "
            f"not '{networks}'."
        )
    if finding["printed"] not in PRINTED:
        raise UserError(f"finding {name}: {unknown('printed', str(finding['printed']), PRINTED)}")
    _check_parameters(name, test, finding["parameters"])
    for clause in finding["parameters"].get("clauses", []):
        for dataset in set(clause.get("for", [])) - set(finding["datasets"]):
            raise UserError(
                f"finding {name}: {unknown('data set in for', dataset, finding['datasets'])}"
            )


def _check_parameters(name: str, test: Callable, given: Mapping) -> None:
    wanted = dict([*inspect.signature(test).parameters.items()][1:])
    for key in sorted(set(given) - set(wanted)):
        raise UserError(f"finding {name}: {unknown('parameter', key, wanted)}")
    for key, parameter in wanted.items():
        if key not in given:
            raise UserError(f"finding {name}: the parameter '{key}' is missing.")
        kind = get_origin(parameter.annotation) or parameter.annotation
        if not isinstance(given[key], (int, float) if kind is float else kind):
            raise UserError(
                f"finding {name}: the parameter '{key}' must be a {KINDS[kind]}, "
                f"not '{given[key]}'."
            )
    try:
        test([], **given)
    except UserError as error:
        raise UserError(f"finding {name}: {error}") from None


def _outcome(finding: Mapping, models: Sequence[Mapping], scale: Mapping) -> Outcome:
    paper = finding["id"].split(".")[0]
    try:
        networks = finding.get("architectures", ())
        groups = groups_for(paper, finding["datasets"], networks, finding["transfers"], models)
        clauses = CLAIMS[finding["test"]](groups, **finding["parameters"])
        if not clauses:
            raise NotMeasured(f"no clause speaks of {' or '.join(one.title for one in groups)}")
    except NotMeasured as missing:
        return not_run(f"Not run at {scale['title']}: {missing}.")
    outcome = decide(clauses)
    return outcome._replace(reason=f"{outcome.reason} {_runs(groups)}")


def _runs(groups: Sequence[Group]) -> str:
    counts = {len(seeds) for group in groups for seeds in group.arrays.values()}
    fewest, most = min(counts), max(counts)
    if most == 1:
        return "One training run per model."
    return f"{fewest if fewest == most else f'{fewest} to {most}'} training runs per model."


def _row(finding: Mapping, outcome: Outcome) -> dict[str, object]:
    *numbers, reason = outcome
    values = (finding["id"], finding["artifact"], finding["claim"], *numbers)
    return dict(zip(COLUMNS, (*values, finding["printed"], reason), strict=True))
