"""Render the collected content as self-contained HTML pages."""

import os
from collections.abc import Mapping
from math import inf, isnan
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from passband.files import write_text
from passband.report import charts, forest, wording
from passband.report.marks import mark
from passband.report.model_table import model_table
from passband.report.summary import what_holds, what_this_scale_says
from passband.report.verdicts import TESTED, VERDICTS, by_theme, tally
from passband.text import listed

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
        effect=wording.effect,
        claimed=wording.claimed,
        threshold=wording.threshold,
        sample=wording.sample,
        support=wording.support,
        duration=wording.duration,
        first_sentence=wording.first_sentence,
        moment=wording.moment,
        listed=listed,
        breakable=lambda name: Markup("_<wbr>").join(map(escape, name.split("_"))),
        slug=lambda verdict: verdict.replace(" ", "-"),
    )
    environment.globals.update(
        css=(templates / "report.css").read_text(encoding="utf-8"),
        formats=FORMATS,
        verdicts=VERDICTS,
        tested=TESTED,
        mark=mark,
        strip=forest.strip,
        axis=forest.axis,
        sparkline=_sparkline,
    )
    return environment


def _shared(content: Mapping) -> dict:
    """The content with what more than one page derives from it."""
    findings, models = content["findings"], content["models"]
    built = {row["id"] for row in content["artifacts"]}
    pages = [_page(id, content) for id, paper in content["papers"].items() if paper["regenerated"]]
    themes = by_theme(findings, content["themes"])
    for theme in themes:
        theme["findings"].sort(key=_strength)
    total = tally(findings)
    seeds = sorted({model["seed"] for model in models})
    return {
        **content,
        "pages": pages,
        "page_of": {row["finding"]: f"{_paper(row['finding'])}.html" for row in findings},
        "tally": total,
        "themes": themes,
        "untested": {
            verdict: [row for row in findings if row["verdict"] == verdict]
            for verdict in VERDICTS
            if verdict not in TESTED
        },
        "holds": what_holds(total, themes),
        "scope": what_this_scale_says(content, total, seeds),
        "of_artifact": {
            id: [row for row in findings if row["artifact"] == id]
            for id in (*built, *content["left_out"])
        },
        "model_table": model_table(models, content["titles"]),
        "seeds": seeds,
        "seconds": _training_seconds(models),
        "trained": sum(model["origin"] == "trained" for model in models),
        "started": min(_known(models, "started"), default=None),
        "finished": max(_known(models, "finished"), default=None),
    }


def _page(id: str, content: Mapping) -> dict:
    """What the page of a paper shows."""
    artifacts = [row for row in content["artifacts"] if row["paper"] == id]
    return {
        **content["papers"][id],
        "id": id,
        "file": f"{id}.html",
        "artifacts": [
            {**row, "repeated": [one for one in artifacts if one["repeats"] == row["id"]]}
            for row in artifacts
            if not row["repeats"]
        ],
        "left_out": {name: row for name, row in content["left_out"].items() if row["paper"] == id},
        "tally": tally(row for row in content["findings"] if _paper(row["finding"]) == id),
        "coverage": content["coverage"].get(id),
    }


def _paper(finding: str) -> str:
    return finding.partition(".")[0]


def _strength(row: Mapping) -> float:
    """Findings from the best supported to the most contradicted; those without interval last."""
    at = forest.standing(row)
    return -at.effect if at else inf


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
    """Accuracy on held-out images by epoch or, without such images, on training images; for a
    detector, training loss in percent of its largest value."""
    curves = [
        [float(row[column]) for row in history]
        for column in ("val_accuracy", "val_robust_accuracy")
        if all(row[column] not in ("", "nan") for row in history)
    ]
    training = [float(row["train_accuracy"]) for row in history]
    if isnan(training[0]):
        losses = [float(row["train_loss"]) for row in history]
        training = [100 * loss / max(losses) for loss in losses]
    marked = [index for index, row in enumerate(history) if row["selected"] == "1"]
    return charts.sparkline(
        curves or [training], marked[-1] if marked else None, validated=bool(curves)
    )
