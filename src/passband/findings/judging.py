"""Judge the findings of all papers on what a scale measured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from passband.findings.asked import ask
from passband.findings.claims import CLAIMS
from passband.findings.contrast import Language, language_of
from passband.findings.flags import flags
from passband.findings.measured import Group, artifact_of, as_methods, groups_for, paper_of
from passband.findings.preconditions import failures, read_preconditions
from passband.findings.scores import NotMeasured, read_scores
from passband.findings.verdict import NOT_TESTABLE, Outcome, decide, not_run

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "finding", "artifact", "claim", "theme", "verdict", "effect", "ci_low", "ci_high", "threshold",
    "direction", "threshold_from", "n", "sample", "unit", "printed", "shares", "reason",
)  # fmt: skip


def judge(
    findings: Sequence[Mapping],
    models: Sequence[Mapping],
    *,
    papers: Mapping[str, Mapping],
    preconditions: Mapping[str, Mapping[str, Mapping]],
    scores: Mapping[str, Mapping],
    networks: Mapping[str, str],
    artifacts: Iterable[Mapping],
    scale: str,
    left_out: Mapping[str, Mapping],
) -> "pd.DataFrame":
    """Judge claims on what a scale measured.

    Args:
        findings: rows of the papers' findings.yaml, which planning has checked.
        models: one entry per model and seed.
        papers: content of paper.yaml by paper.
        preconditions: those of the papers' findings.yaml, by paper and name.
        scores: rows of config/scores.yaml by name.
        networks: titles of architectures by id.
        artifacts: rows of the artifacts, some of which ask for gradient-masking checks.
        scale: name of the scale.
        left_out: by artifact that the scale leaves out, the `scale` that makes it, if any.

    Returns:
        One row per finding with COLUMNS. The numbers are those of the weakest clause; n counts what
        `sample` says, mostly images. A single training run has no interval: both ends are NaN.
    """
    import pandas as pd

    known = read_scores(scores)
    languages = {name: language_of(paper, known) for name, paper in papers.items()}
    masking = flags(models, artifacts)
    rows = []
    for finding in findings:
        paper = paper_of(finding)
        usual = papers[paper].get("networks", [])
        needed = {name: preconditions[paper][name] for name in finding["needs"]}
        try:
            _refuse_left_out(finding, left_out, scale)
            about = as_methods(models, papers[paper].get("variants", {}))
            groups = groups_for(finding, about, usual, networks, languages[paper], masking)
            outcome = _outcome(finding, groups, languages[paper], needed)
        except NotMeasured as missing:
            outcome = not_run(f"Not run at the {scale} scale: {missing}.")
        rows.append(_row(finding, outcome))
    return pd.DataFrame(rows, columns=COLUMNS)


def _refuse_left_out(finding: Mapping, left_out: Mapping[str, Mapping], scale: str) -> None:
    if (artifact := artifact_of(finding)) in left_out:
        maker = left_out[artifact]["scale"]
        if maker == scale:
            raise NotMeasured(f"this run makes a part of the scale, without {artifact}")
        elsewhere = f", which the {maker} scale makes" if maker else ""
        raise NotMeasured(f"it leaves {artifact} out{elsewhere}")


def _outcome(
    finding: Mapping, groups: Sequence[Group], language: Language, needed: Mapping[str, Mapping]
) -> Outcome:
    clauses = CLAIMS[finding["test"]](groups, language, **finding["parameters"])
    if not clauses:
        raise NotMeasured(f"no clause speaks of {' or '.join(one.title for one in groups)}")
    outcome = decide(clauses, finding.get("thresholds") == "ours")
    terms = ask(finding, language)[0].terms
    failed = failures(read_preconditions(needed, language), groups, terms, clauses)
    verdict = NOT_TESTABLE if failed else outcome.verdict
    reason = " ".join([*failed, outcome.reason, _runs(groups)])
    return outcome._replace(verdict=verdict, reason=reason)


def _runs(groups: Sequence[Group]) -> str:
    counts = {len(seeds) for group in groups for seeds in group.arrays.values()}
    fewest, most = min(counts), max(counts)
    if most == 1:
        return "One training run per model."
    return f"{fewest if fewest == most else f'{fewest} to {most}'} training runs per model."


def _row(finding: Mapping, outcome: Outcome) -> dict[str, object]:
    return {
        "finding": finding["id"],
        "artifact": artifact_of(finding),
        "shares": "",
        **{key: finding[key] for key in ("claim", "theme", "printed", "shares") if key in finding},
        "threshold_from": finding["thresholds"] if outcome.threshold and outcome.direction else "",
        **outcome._asdict(),
    }
