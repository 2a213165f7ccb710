"""From evidence to the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from lensbench.leaderboard.citations import Credit
from lensbench.leaderboard.page.assemble import page
from lensbench.leaderboard.page.evidence import Evidence
from lensbench.leaderboard.page.overall import budget_names, leaders, overall
from lensbench.leaderboard.page.packing import clip
from lensbench.leaderboard.page.payload import combine, payload
from lensbench.leaderboard.page.rankings import contrasts_of, differences, rankings_of
from lensbench.leaderboard.page.scenes import draw_scenes


def build(evidence: Evidence, credited: Sequence[Credit] = (), live: bool = False) -> str:
    """The page as HTML, with all that it shows.

    Args:
        evidence: What is shown.
        credited: Plugins that the records name.
        live: Whether the page is served, and may ask its server for news.
    """
    rows = combine(evidence.records, evidence.tiers)
    return page(_values(evidence, rows, credited), draw_scenes(rows, evidence.find), live)


def values_of(evidence: Evidence, credited: Sequence[Credit] = ()) -> dict[str, Any]:
    """All that the page shows but its pictures."""
    return _values(evidence, combine(evidence.records, evidence.tiers), credited)


def _values(evidence: Evidence, rows: pl.DataFrame, credited: Sequence[Credit]) -> dict[str, Any]:
    rankings = rankings_of(rows)
    known = budget_names([str(one) for one in rows["budget"].unique(maintain_order=True)])
    budgets = {clip(text): clip(name) for text, name in known.items()}
    return payload(
        evidence,
        rows,
        rankings,
        credited,
        leaders=leaders(rankings),
        budgets=budgets,
        aggregate=overall(rankings),
        contrasts=contrasts_of(evidence),
        differences=differences(rankings, evidence.records, evidence.scores),
    )
