"""A browser that sees no network, and pages for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lensbench.leaderboard.page import Evidence, build


class Reader:
    """A tab, and all that it complained of or asked for."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, **options}
        )
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(600_000)
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.tab.on("console", lambda message: self._hear(message.type, message.text))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("dialog", self._dialog)
        self.tab.on("request", lambda request: self.requests.append(request.url))

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def open(self, path: Path, route: str = "#/") -> Any:
        """Opens a page from disk and waits until it has unpacked its records."""
        self.tab.goto("about:blank")
        self.tab.goto(path.as_uri() + route)
        self.tab.wait_for_selector("html[data-ready]")
        return self.tab

    @property
    def fetched(self) -> list[str]:
        """Requests for anything that is not in the file itself."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "about:"))]


@pytest.fixture
def reader(chromium) -> Iterator[Callable[..., Reader]]:
    """Opens tabs, each with options of its own."""
    opened: list[Reader] = []

    def open_(**options: Any) -> Reader:
        opened.append(Reader(chromium, **options))
        return opened[-1]

    yield open_
    for one in opened:
        one.context.close()


@pytest.fixture
def page_of(tmp_path) -> Callable[..., Path]:
    """Builds the page of records, in a folder of its own."""

    def build_(records: pl.DataFrame, **facts: Any) -> Path:
        path = tmp_path / "index.html"
        path.write_text(build(Evidence("a board", records, pl.DataFrame(), **facts)))
        return path

    return build_
