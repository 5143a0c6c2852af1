"""Checks of a built report, for the tests of the report and of a whole scale."""

import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

VOID = {"meta", "link", "img", "br", "hr", "input", "source", "wbr"}
SVG_LEAVES = {"path", "circle", "polyline", "line", "rect"}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


class Page(HTMLParser):
    """Ids, links, resources, headings and images of a page; asserts that tags nest."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.open = path, []
        self.ids, self.links, self.resources, self.headings = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert not self.open, f"{path}: never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "img":
            assert given.get("alt"), f"{self.path}: an image without alternative text"
        if tag in ("img", "script", "iframe", "source", "link"):
            self.resources += [given[key] for key in ("src", "srcset", "href") if key in given]
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        if tag not in SVG_LEAVES:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (
            f"{self.path}: </{tag}> at line {self.getpos()[0]} closes {self.open[-3:]}"
        )
        self.open.pop()


def check_pages(folder: Path) -> None:
    """Assert that the pages are sound: links, anchors, images, headings, no network."""
    pages = {path.resolve(): Page(path) for path in sorted(Path(folder).glob("*.html"))}
    assert Path(folder, "index.html").resolve() in pages, f"{folder} has no index.html"
    for path, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), f"{path}: an id occurs twice"
        assert page.headings[0] == 1 and page.headings.count(1) == 1, f"{path}: not one h1"
        for above, below in zip(page.headings, page.headings[1:], strict=False):
            assert below <= above + 1, f"{path}: h{below} right below h{above}"
        for resource in page.resources:
            assert resource.startswith("data:"), f"{path} requests {resource}"
        style = path.read_text(encoding="utf-8").partition("<style>")[2].partition("</style>")[0]
        assert "@import" not in style and "url(" not in style, f"{path}: style requests something"
        for link in page.links:
            _check_link(path, link, pages)


def _check_link(path: Path, link: str, pages: dict[Path, Page]) -> None:
    parts = urlsplit(link)
    if parts.scheme == "https":  # of a paper or the source: followed only when asked to
        return
    assert not parts.scheme and not parts.netloc, f"{path} links to {link}"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    assert target.is_file(), f"{path} links to {link}, which does not exist"
    if parts.fragment:
        assert target in pages, f"{path} links into {link}, which is no page of the report"
        assert unquote(parts.fragment) in pages[target].ids, f"{path}: no anchor for {link}"


def find_chromium() -> str | None:
    """The executable of an installed Chromium or Chrome, if there is one."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def check_in_browser(folder: Path, width: int, executable: str) -> None:
    """Open every page from disk at `width` px; assert that it loads, fits and asks for nothing."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        try:
            for path in sorted(Path(folder).glob("*.html")):
                view = browser.new_page(viewport={"width": width, "height": 900})
                _check_view(view, path.resolve())
                view.close()
        finally:
            browser.close()


def _check_view(view, path: Path) -> None:
    troubles: list[str] = []
    view.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
    view.on("pageerror", lambda error: troubles.append(str(error)))
    view.on("requestfailed", lambda request: troubles.append(f"failed: {request.url[:200]}"))
    view.on(
        "request",
        lambda request: (
            request.url.startswith(("file:", "data:"))
            or troubles.append(f"requested: {request.url[:200]}")
        ),
    )
    view.goto(path.as_uri(), wait_until="load")
    empty = "images => images.filter(image => !image.complete || !image.naturalWidth).length"
    assert view.eval_on_selector_all("img", empty) == 0, f"{path}: an image did not load"
    widest = view.evaluate("document.documentElement.scrollWidth")
    assert widest <= view.viewport_size["width"], f"{path}: the page is {widest} px wide"
    for link in view.eval_on_selector_all(
        "a[href^='#']", "links => links.map(link => link.getAttribute('href'))"
    ):
        view.evaluate("hash => { location.hash = hash }", link)
        assert view.evaluate("document.querySelector(':target') !== null"), f"{path}: {link}"
    assert not troubles, f"{path}: {troubles}"
