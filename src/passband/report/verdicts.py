"""The verdicts of findings.csv with what the papers' claims say, and how many there are."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from passband.errors import Damaged, UserError
from passband.files import read_csv, reading

TESTED = ("reproduced", "contradicted", "inconclusive")
VERDICTS = (*TESTED, "not testable here", "not run")

NUMBERS = ("effect", "ci_low", "ci_high", "threshold", "n")
TEXTS = (
    *("finding", "artifact", "claim", "theme", "verdict", "direction", "threshold_from"),
    *("sample", "unit", "printed", "shares", "reason"),
)


def read_findings(path: str | Path, claims: Iterable[Mapping]) -> list[dict]:
    """The rows of findings.csv, numbers as numbers or None, with definition and printed_note.

    Raises:
        UserError: a verdict is unknown.
        Damaged: the file judges other claims.
    """
    asked = {claim["id"]: claim for claim in claims}
    found = read_csv(path, (*TEXTS, *NUMBERS))
    if (names := [row["finding"] for row in found]) != list(asked):
        raise Damaged(path, f"it judges {len(names)} of {len(asked)} claims, or others")
    rows = []
    for row in found:
        if row["verdict"] not in VERDICTS:
            raise UserError(f"{path}: finding {row['finding']} has the verdict '{row['verdict']}'.")
        with reading(path):
            numbers = {key: _finite(row[key]) for key in NUMBERS}
        claim = asked[row["finding"]]
        texts = {key: claim.get(key, "") for key in ("definition", "printed_note")}
        rows.append({**texts, **row, **numbers})
    return rows


def _finite(text: str) -> float | None:
    value = float(text or "nan")
    return value if math.isfinite(value) else None


def tally(findings: Iterable[Mapping]) -> dict:
    """Count verdicts; findings that share their evidence with another count with that one.

    Returns:
        verdicts: their numbers, in the order in which the report names them; tested: how many could
        be tested; claims: how many there are; shared: how many count with another.
    """
    findings = list(findings)
    counts = Counter(row["verdict"] for row in findings if not row["shares"])
    return {
        "verdicts": {verdict: counts[verdict] for verdict in VERDICTS},
        "tested": sum(counts[verdict] for verdict in TESTED),
        "claims": len(findings),
        "shared": len(findings) - counts.total(),
    }


def by_theme(findings: Iterable[Mapping], themes: Mapping[str, str]) -> list[dict]:
    """The findings of each theme that has any, in the themes' order: id, title, findings, tally."""
    findings = list(findings)
    groups = {id: [row for row in findings if row["theme"] == id] for id in themes}
    return [
        {"id": id, "title": themes[id], "findings": rows, "tally": tally(rows)}
        for id, rows in groups.items()
        if rows
    ]


def coverage(
    papers: Mapping[str, Mapping],
    built: Iterable[str],
    left_out: Mapping[str, object],
    findings: Iterable[Mapping],
) -> dict[str, dict]:
    """How much of what a paper holds was made and tested, and what was not; of papers that say so.

    Args:
        papers: content of paper.yaml by paper.
        built: ids of the artifacts of this build.
        left_out: ids of those that the scale leaves out.
        findings: what `read_findings` returns.
    """
    built, findings = set(built), list(findings)
    found = {}
    for id, paper in papers.items():
        held = {f"{id}.{name}": row for name, row in (paper.get("holds") or {}).items()}
        if not held:
            continue
        missing = [name for name in held if name not in built and name not in left_out]
        found[id] = {
            "artifacts": sum(name in built for name in held),
            "artifacts_held": len(held),
            "tested": sum(row["artifact"] in held and row["verdict"] in TESTED for row in findings),
            "claims_held": sum(row["claims"] for row in held.values()),
            "missing": [{"id": name, **held[name]} for name in missing],
        }
    return found
