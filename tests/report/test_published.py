"""Published reports: complete without the run that they come from, and as the code makes them."""

import re
import runpy
import shutil
from pathlib import Path

import pytest
from invented_results import ROOT, make_results
from report_checks import check_pages

from passband.report import render, write_sources

SCRIPT = runpy.run_path(str(ROOT / "scripts/publish_report.py"))
TEMPLATES = ROOT / "reports/templates"
PUBLISHED = sorted((ROOT / "reports/published").glob("*"))


def pages(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.html")}


def test_a_published_report_needs_nothing_of_its_run(tmp_path):
    run, target = tmp_path / "results", tmp_path / "published"
    results = make_results(run)
    root = Path(results["findings"]).parent
    write_sources(root / "report", results)
    SCRIPT["publish"](root, target)
    shutil.rmtree(run)
    render(target / "report", TEMPLATES)
    check_pages(target / "report")
    assert {"index.html", "provenance.html", "sar.html"} == set(pages(target / "report"))
    copied = {file.suffix for file in target.rglob("*") if file.is_file()}
    assert ".svg" in copied and not copied & {".png", ".ipynb"}


def test_records_come_along_up_to_a_size(tmp_path):
    results = make_results(tmp_path / "results")
    root, target = Path(results["findings"]).parent, tmp_path / "published"
    write_sources(root / "report", results)
    arrays = root / "arrays/invented/seed-0"
    arrays.mkdir(parents=True)
    (arrays / "small.safetensors").write_bytes(bytes(100))
    (arrays / "large.safetensors").write_bytes(bytes(101))
    SCRIPT["publish"](root, target, records=100)
    assert [file.name for file in target.rglob("*.safetensors")] == ["small.safetensors"]


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_pages_are_made_of_the_measurements_beside_them(folder, tmp_path):
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    shutil.rmtree(copy / "report")
    shutil.copytree(folder / "report", copy / "report", ignore=shutil.ignore_patterns("*.html"))
    render(copy / "report", TEMPLATES)
    again, published = pages(copy / "report"), pages(folder / "report")
    assert again.keys() == published.keys()
    changed = [name for name in again if again[name] != published[name]]
    assert not changed, f"run: python scripts/publish_report.py {folder.relative_to(ROOT)}"
    check_pages(copy / "report")


def test_the_readme_says_what_the_published_reports_found():
    tally = (
        r"(\d+) claims that .*?, (\d+) (?:are )?reproduced, (\d+) (?:are )?contradicted and (\d+)"
    )
    pages = [f"reports/published/{name}/report/index.html" for name in ("laptop", "h200")]
    assert sorted(ROOT / page for page in pages) == [
        folder / "report/index.html" for folder in PUBLISHED
    ]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [re.search(tally, (ROOT / page).read_text(encoding="utf-8")) for page in pages]
    assert re.findall(tally, readme) == [one.groups() for one in found]
    assert all(page in readme for page in pages)


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_a_published_report_is_small(folder):
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 15_000_000
