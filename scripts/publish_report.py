"""Copy the report of a finished run, with what its pages show and link to, into the repository.

    python scripts/publish_report.py results/laptop reports/published/laptop
    python scripts/publish_report.py results/fashion reports/published/h200 --records 300
    python scripts/publish_report.py reports/published/laptop

The last form writes the pages of a published report again, from its measurements and figures.
Notebooks and bitmaps stay behind: the pages embed the figures, and link to them as SVG and PDF.
With --records KB, files of up to that size that the pages do not need are copied, too: results per
image and other arrays, and measurements and trainings of figures and tables that did not finish.
"""

import argparse
import shutil
from pathlib import Path

from passband.report import read_sources, render, write_sources

TEMPLATES = Path(__file__).resolve().parents[1] / "reports/templates"
LEFT_BEHIND = {".ipynb", ".png"}
RECORDS = ("arrays", "measurements", "models")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="the folder of a finished run")
    parser.add_argument("target", type=Path, nargs="?", help="where the report is published")
    parser.add_argument("--records", type=int, default=0, metavar="KB")
    arguments = parser.parse_args()
    target = arguments.target or arguments.results
    if arguments.target:
        publish(arguments.results, target, 1000 * arguments.records)
    for page in render(target / "report", TEMPLATES):
        print(page)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


def publish(results: Path, target: Path, records: int = 0) -> None:
    """Copy what the pages of a report are made of from the folder of a run to an empty folder.

    records: size, in bytes, up to which other files of RECORDS are copied, too.
    """
    sources = read_sources(results / "report")
    outputs = [path for path in sources["outputs"] if path.suffix not in LEFT_BEHIND]
    copied = {
        key: [_copy(path, results, target) for path in paths]
        for key, paths in {**sources, "outputs": outputs}.items()
        if key in ("outputs", "runs", "histories")
    }
    for key in ("findings", "measurements"):
        copied[key] = _copy(sources[key], results, target)
    write_sources(target / "report", {**sources, **copied})
    for folder in RECORDS:
        for path in (results / folder).rglob("*"):
            if path.is_file() and path.stat().st_size <= records:
                _copy(path, results, target)


def _copy(path: Path, results: Path, target: Path) -> Path:
    copy = target / path.relative_to(results)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
    return copy


if __name__ == "__main__":
    main()
