"""Gather what the report shows from the files of one scale, as plain data."""

import base64
import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from passband.errors import Damaged, UserError
from passband.files import read_csv, read_json, reading
from passband.report.changes import changes, substitutions
from passband.report.verdicts import coverage, read_findings
from passband.runs import read_epochs

SVG_LIMIT = 1_000_000
"""Bytes above which a page carries the PNG of a figure instead of its SVG."""

SVG_SIZE = re.compile(rb'<svg[^>]*?\bwidth="([\d.]+)pt" height="([\d.]+)pt"')
"""The size as matplotlib writes it, in points."""

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
    "engine": "",
    "torch": "",
    "commit": None,
    "dirty": None,
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
    themes: Mapping[str, str],
    left_out: Mapping[str, Mapping],
    models: Mapping[str, str],
    titles: Mapping[str, str],
    findings: str | Path,
    measurements: str | Path,
    outputs: Iterable[str | Path],
    runs: Iterable[str | Path],
    histories: Iterable[str | Path],
    provenance: Mapping,
) -> dict:
    """Everything the report says, ready for `build_report`; only files named here are read.

    Args:
        scale: name, title, mark ("" at the paper scale), and what its file in config/scales holds:
            datasets, architectures, training_attacks, recipes, probes, train_images, test_images;
            each may be left out.
        papers: folder name to content of paper.yaml.
        artifacts: id to row, with the folder name of its paper under `paper`.
        claims: the findings of all papers.
        themes: titles of the findings' themes, in the order of the report.
        left_out: what the scale leaves out, by artifact: paper, title, the command that makes it.
        models: the model at this scale behind each model that artifacts name.
        titles: displayed names of data sets and architectures; an id without one is shown as it is.
        findings: findings.csv of the scale.
        measurements: measurements.csv of the scale.
        outputs: the files of the artifacts, each <artifact>.<svg|pdf|png|csv|html|tex|ipynb>.
        runs: run.json of the models.
        histories: history.csv of the trained models; files of one folder belong together.
        provenance: what `passband.report.describe_build` returns.

    Returns:
        scale, substitutions, changes, papers, artifacts, findings, themes, left_out, models,
        coverage, provenance, titles and downloads.

    Raises:
        UserError: an output belongs to no artifact, a verdict is unknown, or a file is damaged.
    """
    files = _by_artifact(outputs, artifacts)
    rows = read_findings(findings, claims)
    built = {id: row for id, row in artifacts.items() if id in files}
    repeated = _repeated(built, models)
    return {
        "scale": {key: scale[key] for key in ("name", "title", "mark")},
        "substitutions": substitutions(scale, titles),
        "changes": changes(scale),
        "papers": _papers(papers, [*artifacts.values(), *left_out.values()]),
        "artifacts": [
            {**_artifact(id, row, files[id]), "repeats": repeated.get(id)}
            for id, row in built.items()
        ],
        "findings": rows,
        "themes": dict(themes),
        "left_out": dict(left_out),
        "models": _models(runs, histories),
        "coverage": coverage(papers, files, left_out, rows),
        "provenance": dict(provenance),
        "titles": dict(titles),
        "downloads": {"findings": str(findings), "measurements": str(measurements)},
    }


def _papers(papers: Mapping[str, Mapping], artifacts: Iterable[Mapping]) -> dict[str, dict]:
    """The papers with every key that the pages show, and whether any artifact is regenerated."""
    regenerated = {row["paper"] for row in artifacts}
    return {
        id: {
            "year": "",
            "short": paper["title"],
            "says": "",
            "links": {},
            **paper,
            "regenerated": id in regenerated,
        }
        for id, paper in papers.items()
    }


def _repeated(artifacts: Mapping[str, Mapping], models: Mapping[str, str]) -> dict[str, str]:
    """Artifacts that show an earlier one of their paper again, since the scale puts the same models
    in place of different ones, and that earlier one."""
    first: dict[tuple, str] = {}
    found = {}
    for id, row in artifacts.items():
        shown = tuple(models[slug] for slug in row.get("models", ()))
        earlier = first.setdefault((row["paper"], row.get("notebook"), shown), id)
        if shown and earlier != id and artifacts[earlier]["models"] != row["models"]:
            found[id] = earlier
    return found


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


def _models(runs: Iterable[str | Path], histories: Iterable[str | Path]) -> list[dict]:
    history_of = {Path(path).parent: path for path in histories}
    models = []
    for path in map(Path, runs):
        run, history = read_json(path, RUN), []
        if path.parent in history_of:
            text = read_epochs({"run": path, "history": history_of[path.parent]}, "history")
            history = list(csv.DictReader(io.StringIO(text)))
        batch_size = run.get("recipe", {}).get("batch_size")
        models.append({**NOT_TRAINED, "batch_size": batch_size, **run, "history": history})
    return models
