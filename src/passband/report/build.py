"""Render the collected content as self-contained HTML pages."""

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from passband.files import write_text
from passband.report import charts, wording
from passband.report.collect import VERDICTS
from passband.text import listed

SYMBOLS = {
    "reproduced": "\N{CHECK MARK}",
    "contradicted": "\N{MULTIPLICATION X}",
    "inconclusive": "\N{ALMOST EQUAL TO}",
    "not run": "\N{EN DASH}",
}

FORMATS = {"svg": "SVG", "pdf": "PDF", "png": "PNG", "csv": "CSV", "tex": "LaTeX"}


def build_report(content: Mapping, folder: str | Path, templates: str | Path) -> list[Path]:
    """Write index.html, a page per paper and provenance.html into `folder`.

    They need no network: style and figures are inlined.

    Args:
        content: what `collect_content` returns; its paths become links relative to `folder`.
        folder: where the pages are written.
        templates: the folder of the Jinja templates and of report.css.

    Returns:
        The paths of the pages.
    """
    folder = Path(folder)
    environment = _environment(Path(templates), folder)
    shared = _shared(content)
    pages = {"index.html": environment.get_template("index.html").render(shared)}
    for paper in shared["pages"]:
        page = environment.get_template("paper.html")
        pages[paper["file"]] = page.render(shared, paper=paper)
    pages["provenance.html"] = environment.get_template("provenance.html").render(shared)
    for name, text in pages.items():
        write_text(folder / name, text)
    return [folder / name for name in pages]


def _environment(templates: Path, folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        link=lambda path: quote(Path(os.path.relpath(path, folder)).as_posix()),
        label=wording.label,
        number=wording.number,
        duration=wording.duration,
        moment=wording.moment,
        listed=listed,
        given=lambda value: "–" if value is None else value,
        slug=lambda verdict: verdict.replace(" ", "-"),
    )
    environment.globals.update(
        css=(templates / "report.css").read_text(encoding="utf-8"),
        symbols=SYMBOLS,
        formats=FORMATS,
        printed=wording.PRINTED,
        sparkline=_sparkline,
    )
    return environment


def _shared(content: Mapping) -> dict:
    """The content with what more than one page derives from it."""
    findings = content["findings"]
    paper_of = {artifact["id"]: artifact["paper"] for artifact in content["artifacts"]}
    pages = []
    for id, paper in content["papers"].items():
        if not paper["regenerated"]:
            continue
        pages.append(
            {
                **paper,
                "id": id,
                "file": f"{id}.html",
                "artifacts": [row for row in content["artifacts"] if row["paper"] == id],
                "tally": _tally([row for row in findings if paper_of.get(row["artifact"]) == id]),
                "coverage": content["coverage"].get(id),
            }
        )
    return {
        **content,
        "pages": pages,
        "paper_of": paper_of,
        "page_of": {artifact: f"{paper}.html" for artifact, paper in paper_of.items()},
        "tally": _tally(findings),
        "groups": {
            verdict: [row for row in findings if row["verdict"] == verdict] for verdict in VERDICTS
        },
        "of_artifact": {id: [row for row in findings if row["artifact"] == id] for id in paper_of},
        "seeds": sorted({model["seed"] for model in content["models"]}),
        "seconds": _training_seconds(content["models"]),
        "trained": sum(model["origin"] == "trained" for model in content["models"]),
        "started": min(_known(content["models"], "started"), default=None),
        "finished": max(_known(content["models"], "finished"), default=None),
    }


def _tally(findings: list[dict]) -> dict[str, int]:
    """Number of findings per verdict, in the order in which the report names verdicts."""
    counts = Counter(row["verdict"] for row in findings)
    return {verdict: counts[verdict] for verdict in VERDICTS}


def _known(models: list[dict], key: str) -> list:
    return [model[key] for model in models if model[key] is not None]


def _training_seconds(models: list[dict]) -> float:
    """What training took in all; a prefix that several trainings share counts once."""
    shared = {
        (model["shared_prefix"], model["seed"]): model["shared_prefix_seconds"] for model in models
    }
    own = sum(model["seconds"] - model["shared_prefix_seconds"] for model in models)
    return own + sum(shared.values())


def _sparkline(history: list[dict[str, str]]) -> str:
    """The accuracies on held-out images by epoch or, without such images, those in training."""
    curves = [
        [float(row[column]) for row in history]
        for column in ("val_accuracy", "val_robust_accuracy")
        if all(row[column] not in ("", "nan") for row in history)
    ]
    training = [float(row["train_accuracy"]) for row in history]
    marked = [index for index, row in enumerate(history) if row["selected"] == "1"]
    return charts.sparkline(
        curves or [training], marked[-1] if marked else None, validated=bool(curves)
    )
