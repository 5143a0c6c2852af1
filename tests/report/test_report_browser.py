"""The pages of the report in a real browser, opened from disk."""

import pytest
from report_checks import check_in_browser, find_chromium

CHROMIUM = find_chromium()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium, chromium-browser or google-chrome installed")
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_load_and_fit(report_folder, width):
    pytest.importorskip("playwright")
    check_in_browser(report_folder, width, CHROMIUM)
