"""From evidence to the page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import polars as pl

from lensbench.leaderboard.beneath import literature
from lensbench.leaderboard.board.documents import Credit
from lensbench.leaderboard.columns import value_text
from lensbench.leaderboard.page.assemble import page
from lensbench.leaderboard.page.evidence import Evidence
from lensbench.leaderboard.page.overall import budget_names, leaders, overall
from lensbench.leaderboard.page.packing import clip
from lensbench.leaderboard.page.payload import combine, payload
from lensbench.leaderboard.page.rankings import contrasts_of, differences, rankings_of
from lensbench.leaderboard.page.scenes import draw_scenes
from lensbench.leaderboard.standings import Ranking

_SUMMARY = 300
"""Characters of what a link to the page says: previews of links show no more."""


def build(evidence: Evidence, credited: Sequence[Credit] = (), live: bool = False) -> str:
    """The page as HTML, with all that it shows.

    Args:
        evidence: What is shown.
        credited: Plugins that the records name.
        live: Whether the page is served, and may ask its server for news.
    """
    rows = combine(evidence.records, evidence.tiers)
    return page(
        _values(evidence, rows, credited),
        draw_scenes(rows, evidence.scenes, evidence.predictions, evidence.class_of),
        live,
    )


def values_of(evidence: Evidence, credited: Sequence[Credit] = ()) -> dict[str, Any]:
    """All that the page shows but its pictures."""
    return _values(evidence, combine(evidence.records, evidence.tiers), credited)


def _values(evidence: Evidence, rows: pl.DataFrame, credited: Sequence[Credit]) -> dict[str, Any]:
    rankings = rankings_of(rows, evidence.limits, literature(evidence.study))
    known = budget_names([str(one) for one in rows["budget"].unique(maintain_order=True)])
    budgets = {clip(text): clip(name) for text, name in known.items()}
    return payload(
        evidence,
        rows,
        rankings,
        credited,
        summary=textwrap.shorten(_summary(evidence, rankings), _SUMMARY, placeholder=" …"),
        leaders=leaders(rankings),
        budgets=budgets,
        aggregate=overall(rankings),
        contrasts=contrasts_of(evidence),
        differences=differences(rankings, evidence.records, evidence.scores),
    )


def _summary(evidence: Evidence, rankings: Sequence[Ranking]) -> str:
    """What a link to the page says of it: what is ranked, and who leads each table."""
    records = evidence.records
    counts = (("entrant", "entrant"), ("task", "task"), ("test_condition", "observing condition"))
    named = [
        f"{count} {word}{'' if count == 1 else 's'}"
        for column, word in counts
        for count in [records[column].n_unique()]
    ]
    said = f"{named[0]} on {named[1]} under {named[2]}."
    for line in leaders(rankings):
        best = rankings[line["ranking"]].standings[0]
        if best.home is not None:
            metric = rankings[line["ranking"]].facts["metric"]
            said += f" {line['title']}: {best.name}, {metric} {value_text(best.home)}."
    withdrawn = evidence.trust.get("withdrawn", "")
    return f"Withdrawn: {withdrawn}. {said}" if withdrawn else said
