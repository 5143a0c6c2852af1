"""Copy the report of a finished run, with what its pages show and link to, into the repository.

    python scripts/publish_report.py results/laptop reports/published/laptop
    python scripts/publish_report.py reports/published/laptop

The second form writes the pages of a published report again, from its measurements and figures.
Notebooks and bitmaps stay behind: the pages embed the figures, and link to them as SVG and PDF.
"""

import argparse
import shutil
from pathlib import Path

from passband.report import read_sources, render, write_sources

TEMPLATES = Path(__file__).resolve().parents[1] / "reports/templates"
LEFT_BEHIND = {".ipynb", ".png"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="the folder of a finished run")
    parser.add_argument("target", type=Path, nargs="?", help="where the report is published")
    arguments = parser.parse_args()
    target = arguments.target or arguments.results
    if arguments.target:
        publish(arguments.results, target)
    for page in render(target / "report", TEMPLATES):
        print(page)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB")


def publish(results: Path, target: Path) -> None:
    """Copy what the pages of a report are made of from the folder of a run to an empty folder."""
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


def _copy(path: Path, results: Path, target: Path) -> Path:
    copy = target / path.relative_to(results)
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, copy)
    return copy


if __name__ == "__main__":
    main()
