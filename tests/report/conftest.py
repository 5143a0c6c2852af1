"""The report that is built from an invented results root."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside this file

from invented_results import ROOT, make_results

from passband.report import build_report, collect_content


@pytest.fixture(scope="session")
def results(tmp_path_factory) -> dict:
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="session")
def report_folder(results) -> Path:
    folder = Path(results["findings"]).parent / "report"
    build_report(collect_content(**results), folder, ROOT / "reports/templates")
    return folder
