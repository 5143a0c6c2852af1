"""Gather what the report shows from the files of one scale, as plain data."""

import base64
import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from passband.errors import Damaged, UserError
from passband.files import read_csv, read_json, read_text, reading
from passband.measurements import collected
from passband.runs import read_epochs

SVG_LIMIT = 1_000_000
"""Bytes above which a page carries the PNG of a figure instead of its SVG."""

SVG_SIZE = re.compile(rb'<svg[^>]*?\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
"""The size as matplotlib writes it, in points."""

NUMBERS = ("effect", "ci_low", "ci_high", "n")
TEXTS = ("finding", "artifact", "claim", "verdict", "sample", "unit", "printed", "reason")
VERDICTS = ("reproduced", "contradicted", "inconclusive", "not run")

ENDS = {
    "svg": b"</svg>",
    "pdf": b"%%EOF",
    "png": b"IEND\xaeB`\x82",
    "html": (b"</table>", b"</ul>"),
    "tex": b"\\end{tabular}",
    "ipynb": b"}",
}
"""How a whole file ends, by the ending of its name; white space may follow."""

RUN = ("model", "dataset", "architecture", "method", "seed")


NOT_TRAINED = {
    "origin": "trained",
    "dataset_sha256": "",
    "parameters": None,
    "epochs": None,
    "selected_epoch": None,
    "seconds": 0.0,
    "shared_prefix": None,
    "shared_prefix_seconds": 0.0,
    "images_per_second": None,
    "precision": "",
    "threads": None,
    "device": "",
    "resumed": None,
    "started": None,
    "finished": None,
}
"""What is shown of a model whose run.json does not say it, since it was not trained here."""


def collect_content(
    *,
    scale: Mapping,
    papers: Mapping[str, Mapping],
    artifacts: Mapping[str, Mapping],
    claims: Iterable[Mapping],
    titles: Mapping[str, str],
    findings: str | Path,
    measurements: str | Path,
    measured: Iterable[tuple[str | Path, str | Path]],
    outputs: Iterable[str | Path],
    runs: Iterable[str | Path],
    histories: Iterable[str | Path],
    provenance: Mapping,
) -> dict:
    """Everything the report says, ready for `build_report`; only files named here are read.

    Args:
        scale: name, title, mark ("" at the paper scale), and what its file in config/scales holds:
            datasets, architectures, recipes, probes, train_images, test_images; each may be left
            out.
        papers: folder name to content of paper.yaml.
        artifacts: id to row, with the folder name of its paper under `paper`.
        claims: the findings of all papers.
        titles: displayed names of data sets and architectures; an id without one is shown as it is.
        findings: findings.csv of the scale.
        measurements: measurements.csv of the scale.
        measured: the files that it was collected from, as `passband.measurements.collected` takes
            them.
        outputs: the files of the artifacts, each <artifact>.<svg|pdf|png|csv|html|tex|ipynb>.
        runs: run.json of the models.
        histories: history.csv of the trained models; files of one folder belong together.
        provenance: what `passband.report.describe_build` returns.

    Returns:
        scale, substitutions, changes, papers, artifacts, findings, models, coverage, provenance,
        titles and downloads.

    Raises:
        UserError: an output belongs to no artifact, a verdict is unknown, or a file is damaged.
    """
    if read_text(measurements) != collected(measured):
        raise Damaged(measurements, "it does not hold what was measured, row by row")
    files = _by_artifact(outputs, artifacts)
    rows = _findings(findings, {claim["id"]: claim for claim in claims})
    return {
        "scale": {key: scale[key] for key in ("name", "title", "mark")},
        "substitutions": _substitutions(scale, titles),
        "changes": _changes(scale),
        "papers": _papers(papers, artifacts),
        "artifacts": [
            _artifact(id, row, files[id]) for id, row in artifacts.items() if id in files
        ],
        "findings": rows,
        "models": _models(runs, histories),
        "coverage": _coverage(papers, files, rows),
        "provenance": dict(provenance),
        "titles": dict(titles),
        "downloads": {"findings": str(findings), "measurements": str(measurements)},
    }


def _papers(papers: Mapping[str, Mapping], artifacts: Mapping[str, Mapping]) -> dict[str, dict]:
    """The papers with every key that the pages show, and whether any artifact is regenerated."""
    regenerated = {row["paper"] for row in artifacts.values()}
    return {
        id: {
            "year": "",
            "short": paper["title"],
            **paper,
            "regenerated": id in regenerated,
        }
        for id, paper in papers.items()
    }


def _substitutions(scale: Mapping, titles: Mapping[str, str]) -> list[dict]:
    """What stands in for what, the papers' names of one stand-in together."""
    stand_ins: dict[str, list[str]] = {}
    for kind in ("datasets", "architectures"):
        for paper, here in (scale.get(kind) or {}).items():
            stand_ins.setdefault(titles.get(here, here), []).append(titles.get(paper, paper))
    return [{"paper": papers, "here": here} for here, papers in stand_ins.items()]


def _changes(scale: Mapping) -> list[dict]:
    """How the scale shortens trainings and measurements, in words of its own file."""
    sizes = {
        f"{split} images": scale[f"{split}_images"]
        for split in ("train", "test")
        if scale.get(f"{split}_images")
    }
    changes = [{"what": "every data set", "how": _flat(sizes)}] if sizes else []
    for kind, noun in (("recipes", "recipe"), ("probes", "probe")):
        for name, overrides in (scale.get(kind) or {}).items():
            what = f"every {noun}" if name == "*" else f"{noun} {name}"
            changes.append({"what": what, "how": _flat(overrides)})
    return changes


def _flat(overrides: Mapping, path: str = "") -> list[str]:
    """
    >>> _flat({"epochs": 2, "schedule": {"kind": "one-cycle"}})
    ['epochs 2', 'schedule kind one-cycle']
    """
    parts = []
    for key, value in overrides.items():
        words = f"{path}{str(key).replace('_', ' ')} "
        if isinstance(value, Mapping):
            parts += _flat(value, words)
        else:
            parts.append(f"{words}{json.dumps(value) if isinstance(value, bool) else value}")
    return parts


def _by_artifact(
    outputs: Iterable[str | Path], artifacts: Mapping[str, Mapping]
) -> dict[str, dict[str, Path]]:
    files: dict[str, dict[str, Path]] = {}
    for path in map(Path, outputs):
        if path.stem not in artifacts:
            raise UserError(
                f"{path} belongs to no artifact of config/papers: "
                "its name must be an artifact's id and an ending."
            )
        files.setdefault(path.stem, {})[path.suffix.lstrip(".")] = path
    return files


def _artifact(id: str, row: Mapping, files: Mapping[str, Path]) -> dict:
    contents = {ending: _whole(path, ending) for ending, path in files.items()}
    if "html" in files and contents["html"].count(b'class="value"') != len(read_csv(files["csv"])):
        raise Damaged(files["csv"], f"it has other cells than {files['html'].name}")
    return {
        "id": id,
        "paper": row["paper"],
        "kind": row["kind"],
        "title": row["title"],
        "saw": row.get("saw") or "",
        "notes": list(row.get("notes") or []),
        "image": _image(contents, files["svg"]) if "svg" in files else None,
        "table": contents["html"].decode("utf-8") if "html" in files else None,
        "files": {ending: str(path) for ending, path in files.items() if ending != "html"},
    }


def _whole(path: Path, ending: str) -> bytes:
    """The content of an artifact's file; Damaged if its end is missing."""
    with reading(path):
        content = path.read_bytes()
    if not content.rstrip().endswith(ENDS.get(ending, b"")):
        raise Damaged(path, "it is cut off" if content else "it is empty")
    return content


def _image(contents: Mapping[str, bytes], path: Path) -> dict:
    """A figure as data URI, with its width and height in CSS pixels (96 per inch)."""
    svg = contents["svg"]
    if not (size := SVG_SIZE.search(svg)):
        raise Damaged(path, "it tells no size")
    width, height = (float(length) * 96 / 72 for length in size.groups())
    kind, data = "svg+xml", svg
    if len(svg) > SVG_LIMIT and "png" in contents:
        kind, data = "png", contents["png"]
    uri = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"uri": uri, "width": round(width), "height": round(height)}


def _findings(path: str | Path, claims: Mapping[str, Mapping]) -> list[dict]:
    rows, found = [], read_csv(path, (*TEXTS, *NUMBERS))
    if (names := [row["finding"] for row in found]) != list(claims):
        raise Damaged(path, f"it judges {len(names)} of {len(claims)} claims, or others")
    for row in found:
        if row["verdict"] not in VERDICTS:
            raise UserError(f"{path}: finding {row['finding']} has the verdict '{row['verdict']}'.")
        with reading(path):
            numbers = {key: _finite(row[key]) for key in NUMBERS}
        texts = {"definition": "", "printed_note": ""}
        rows.append({**texts, **claims[row["finding"]], **row, **numbers})
    return rows


def _finite(text: str) -> float | None:
    value = float(text or "nan")
    return value if math.isfinite(value) else None


def _models(runs: Iterable[str | Path], histories: Iterable[str | Path]) -> list[dict]:
    history_of = {Path(path).parent: path for path in histories}
    models = []
    for path in map(Path, runs):
        run, history = read_json(path, RUN), []
        if path.parent in history_of:
            text = read_epochs({"run": path, "history": history_of[path.parent]}, "history")
            history = list(csv.DictReader(io.StringIO(text)))
        models.append({**NOT_TRAINED, **run, "history": history})
    return models


def _coverage(
    papers: Mapping[str, Mapping], files: Mapping[str, object], findings: list[dict]
) -> dict[str, dict]:
    """How much of what a paper holds is in this build, and what is not; of papers that say so."""
    coverage = {}
    for id, paper in papers.items():
        held = {f"{id}.{name}": row for name, row in (paper.get("holds") or {}).items()}
        if not held:
            continue
        coverage[id] = {
            "artifacts": sum(artifact in files for artifact in held),
            "artifacts_held": len(held),
            "findings": sum(row["artifact"] in held for row in findings),
            "claims_held": sum(row["claims"] for row in held.values()),
            "missing": [
                {"id": artifact, **row} for artifact, row in held.items() if artifact not in files
            ],
        }
    return coverage
