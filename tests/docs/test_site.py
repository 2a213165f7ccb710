"""The site is built with warnings as errors; no link is dead, and it asks nobody for anything."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.docs.blocks import ROOT

pytest.importorskip("material", reason="no MkDocs: pip install 'lensbench[docs]'")
pytest.importorskip(
    "mkdocstrings_handlers", reason="no mkdocstrings: pip install 'lensbench[docs]'"
)

FETCHED = {"src", "srcset", "poster", "data"}
"""Attributes whose address a browser asks for unbidden; of `link`, `href` too."""


class Page(HTMLParser):
    """Addresses and anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sorts attributes by what a browser does with them."""
        named = {name: value or "" for name, value in attrs}
        self.anchors |= {named[name] for name in ("id", "name") if name in named}
        self.fetched += [value for name, value in named.items() if name in FETCHED]
        if "href" in named:
            unbidden = tag == "link" and named.get("rel") != "canonical"
            (self.fetched if unbidden else self.links).append(named["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    """All of its pages."""
    return {path: Page(path) for path in site.rglob("*.html")}


def local(pages: dict[Path, Page], site: Path) -> Iterator[tuple[Path, str, Path, str]]:
    """Page, address, the file that it means and the anchor, of every address within the site."""
    for path, page in pages.items():
        for address in (*page.links, *page.fetched):
            parts = urlsplit(address)
            if not parts.scheme and not parts.netloc:
                name = unquote(parts.path)
                base = site if name.startswith("/") else path.parent  # as 404.html, of a server
                target = (base / name.lstrip("/")).resolve() if name else path
                yield path, address, target, unquote(parts.fragment)


def test_every_page_of_the_docs_is_there(pages, site):
    """One page each."""
    wanted = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    assert wanted <= {path.relative_to(site).with_suffix(".md") for path in pages}


def is_place(anchor: str) -> bool:
    """Whether it is a place in a page, and no view that a board's script draws."""
    return bool(anchor) and not anchor.startswith("/")


def test_no_link_is_dead(pages, site):
    """Files are there, and so are the places in them."""
    dead = [
        f"{path.relative_to(site)}: {address}"
        for path, address, target, anchor in local(pages, site)
        if not target.is_file()
        or (is_place(anchor) and target in pages and anchor not in pages[target].anchors)
    ]
    assert not dead
    assert sum(1 for _ in local(pages, site)) > 1000


def test_nothing_is_fetched_from_elsewhere(pages, site):
    """No script, style, font or image of others, in pages and in styles."""
    asked = [
        f"{path.relative_to(site)}: {address}"
        for path, page in pages.items()
        for address in page.fetched
        if urlsplit(address).netloc or urlsplit(address).scheme not in ("", "data")
    ]
    for style in site.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")]+)", style.read_text())
        asked += [f"{style.relative_to(site)}: {address}" for address in found]
    assert not asked


def test_search_works_from_disk_and_asks_nobody(site, chromium):
    """Typed into the page as it lies on the disk, in a browser that counts requests."""
    tab = chromium.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto((site / "index.html").as_uri())
    tab.locator("input[name=query]").first.fill("van Trees")
    found = tab.locator(".md-search-result__link", has_text="Information limits").first
    found.wait_for(timeout=600_000)
    tab.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize(
    ("html", "links", "fetched"),
    [
        ('<a href="b.html">', ["b.html"], []),
        ('<script src="https://example.org/a.js">', [], ["https://example.org/a.js"]),
        ('<link rel="stylesheet" href="//example.org/a.css">', [], ["//example.org/a.css"]),
    ],
)
def test_what_a_browser_fetches_is_told_from_links(tmp_path, html, links, fetched):
    """A link is followed by a person, a script is fetched by a browser."""
    path = tmp_path / "a.html"
    path.write_text(html)
    page = Page(path)
    assert (page.links, page.fetched) == (links, fetched)
