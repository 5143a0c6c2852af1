"""The HTML report of one scale: verdicts, a page per paper, provenance."""

from passband.report.build import build_report
from passband.report.collect import collect_content
from passband.report.provenance import describe_build

__all__ = ["build_report", "collect_content", "describe_build"]
