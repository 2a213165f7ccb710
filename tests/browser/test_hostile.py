"""Records of an enemy: text stays text, whatever it is."""

from __future__ import annotations

import polars as pl
import pytest
from tests.board_records import study_records

from lensbench.store.records import RESULTS

TEXTS = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!--<script>", "\"' onmouseover=alert(1) x='", "=cmd|' /C calc'!A0", "javascript:alert(1)",
    "{{7*7}}${7*7}", "\u202eevil", "a\x00b\x1b[31m", "]]>", "__proto__", "constructor", "../../etc",
    "' OR 1=1 --", "\\u003cscript\\u003ealert(1)", "line\nbreak", "%3Cscript%3E", " ", "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("number", range(0, len(TEXTS), 4))
def test_text_of_every_field_stays_text(reader, page_of, number):
    """Markup, quotes and formulas in every text field neither run nor break any view."""
    words = TEXTS[number : number + 4]
    records = study_records(entrants=4, tasks=1, conditions=2, labels=(None,))
    chosen = [words[i % len(words)] for i in range(records.height)]
    fields = [name for name, kind in RESULTS.items() if kind == pl.String and name != "state"]
    evil = records.with_columns(
        pl.Series(
            name, [f"{word}{'' if name == 'task' else i % 4}" for i, word in enumerate(chosen)]
        )
        for name in fields
    )
    said = {words[0]: words[-1], "tier": words[0]}
    one = reader()
    path = page_of(evil, study=words[0], trust=said)
    tab = one.open(path)
    for table in range(min(3, tab.locator(".card").count())):
        tab = one.open(path, f"#/table/{table}")
        tab.wait_for_timeout(150)
    one.open(path, "#/states")
    tab = one.open(path)
    links = tab.locator("a.name").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert links and all(link.startswith("#/entrant/") for link in links)
    for link in links[:3]:
        tab = one.open(path, link)
        assert tab.locator("h1").inner_text() != "No such entrant"
    assert tab.locator("main script, main iframe, main img:not([src^='data:'])").count() == 0
    assert one.complaints == []
    assert one.fetched == []


def test_names_of_ten_megabytes_are_cut(reader, page_of):
    """Two names of 10 MB that differ in the last letter stay two, in a page that stays small."""
    long = ["n" * 10_000_000 + end for end in ("a", "b")]
    records = study_records(entrants=2, tasks=2, conditions=2, labels=(None,))
    evil = records.with_columns(
        pl.when(pl.col("entrant") == records["entrant"][0]).then(pl.lit(long[0]))
        .otherwise(pl.lit(long[1])).alias("entrant")
    )  # fmt: skip
    path = page_of(evil)
    assert path.stat().st_size < 2_000_000
    one = reader()
    tab = one.open(path, "#/table/1")
    assert tab.locator("#ranking ~ .tablebox tbody tr").count() == 2
    assert "10000001 characters" in tab.locator("main").inner_text()
    assert one.complaints == []


def test_numbers_that_are_none_are_told(reader, page_of):
    """NaN and infinity are shown as not finite, and break no plot."""
    records = study_records(entrants=3, tasks=2, conditions=3, labels=(None,))
    bad = records.with_columns(
        pl.when(pl.int_range(pl.len()) % 3 == 0).then(float("nan"))
        .when(pl.int_range(pl.len()) % 3 == 1).then(float("inf")).otherwise("value").alias("value")
    )  # fmt: skip
    one = reader()
    tab = one.open(page_of(bad), "#/table/1")
    assert tab.get_by_text("not finite").count() > 0
    assert one.complaints == []
