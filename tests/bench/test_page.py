"""Size and speed of the page with many entrants."""

from __future__ import annotations

import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.leaderboard.page import Evidence, build


@pytest.fixture(scope="module")
def many() -> pl.DataFrame:
    """200 entrants on 5 tasks under 12 conditions."""
    return study_records(entrants=200, tasks=5, conditions=12, labels=(None,))


def test_the_page_is_built_and_small(many, benchmark):
    """The page of 200 entrants, 5 tasks and 12 conditions is less than 10 MB."""
    evidence = Evidence("many", many, pl.DataFrame())
    text = benchmark.pedantic(build, args=(evidence,), rounds=3, warmup_rounds=1)
    benchmark.extra_info["megabytes"] = len(text.encode()) / 1e6
    assert len(text.encode()) < 10_000_000


def test_the_page_opens_at_once(many, benchmark, tmp_path, chromium):
    """From the call to all that is first seen in less than two seconds."""
    path = tmp_path / "index.html"
    path.write_text(build(Evidence("many", many, pl.DataFrame())))
    tab = chromium.new_page()

    def open_(route: str) -> None:
        tab.goto("about:blank")
        tab.goto(path.as_uri() + route)
        tab.wait_for_selector("html[data-ready]")

    benchmark.pedantic(open_, args=("#/",), rounds=5, warmup_rounds=1)
    overview = benchmark.stats.stats.median if benchmark.stats else 0.0
    open_("#/table/0")
    lines = tab.locator("#ranking ~ .tablebox tbody tr").count()
    tab.close()
    assert lines == 200
    assert overview < 2
