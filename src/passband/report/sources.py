"""What a report was made of, stored beside its pages, so that they can be made again."""

import os
from collections.abc import Mapping
from pathlib import Path

from passband.files import read_json, write_json
from passband.report.build import build_report
from passband.report.collect import collect_content

NAME = "sources.json"
FILES = ("findings", "measurements")
LISTS = ("outputs", "runs", "histories")


def write_sources(folder: str | Path, sources: Mapping) -> None:
    """Store the arguments of `collect_content`, with paths relative to the folder above.

    Args:
        folder: the folder of the pages.
        sources: the arguments by name, plain data but for the paths.
    """
    root = Path(folder).parent
    files = {key: os.path.relpath(sources[key], root) for key in FILES}
    lists = {key: [os.path.relpath(path, root) for path in sources[key]] for key in LISTS}
    write_json(Path(folder) / NAME, {**sources, **files, **lists})


def read_sources(folder: str | Path) -> dict:
    """The arguments of `collect_content` that `write_sources` stored."""
    root = Path(folder).parent
    sources = read_json(Path(folder) / NAME, (*FILES, *LISTS))
    files = {key: root / sources[key] for key in FILES}
    lists = {key: [root / path for path in sources[key]] for key in LISTS}
    return {**sources, **files, **lists}


def render(folder: str | Path, templates: str | Path) -> list[Path]:
    """Write the pages of a report from its stored sources.

    Args:
        folder: the folder of the pages, which holds their sources.
        templates: see `build_report`.

    Returns:
        The paths of the pages.
    """
    return build_report(collect_content(**read_sources(folder)), folder, templates)
