"""The HTML report of one scale: verdicts, a page per paper, provenance."""

from passband.report.build import build_report
from passband.report.collect import collect_content
from passband.report.provenance import describe_build
from passband.report.sources import read_sources, render, write_sources

__all__ = [
    "build_report",
    "collect_content",
    "describe_build",
    "read_sources",
    "render",
    "write_sources",
]
