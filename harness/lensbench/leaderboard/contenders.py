"""What tells rows of one entrant apart: what it was adapted to, and pretrained on."""

from __future__ import annotations

from collections import Counter

import polars as pl

from lensbench.store.records import sides_of

TABLE = ("task", "dataset", "test_dataset", "train_condition", "budget")
"""Columns of which a table shows one value each."""

CONTENDER = ("entrant", "target_view", "pretraining_views")
"""Columns that tell rows of a table apart."""

NOTES = ("adapted", "pretrained")
"""Columns of what a row's name has behind its entrant's."""

NAME = pl.concat_str("entrant", *NOTES).alias("name")
"""A row's name, of rows that have `NOTES`."""

_MOST_NAMED = 2
"""Datasets or conditions; more are counted."""


def with_notes(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what their name needs behind that of the entrant.

    Returns:
        Columns of `rows`; `adapted`, empty where an entrant does not adapt; and `pretrained`,
        empty where it stands in its table with one pretraining alone.
    """
    told = rows.select(*TABLE, *CONTENDER).unique(maintain_order=True)
    seen = told.select("pretraining_views").drop_nulls().unique().to_series()
    brief = {views: _brief(views) for views in seen if views}
    alike = Counter(brief.values())
    named = {views: text if alike[text] == 1 else views for views, text in brief.items()}
    target, views = (pl.col(name).fill_null("") for name in CONTENDER[1:])
    several = views.n_unique().over(*TABLE, "entrant") > 1
    told = told.with_columns(
        pl.when(target != "")
        .then(pl.lit(", adapted to ") + target)
        .otherwise(pl.lit(""))
        .alias("adapted"),
        pl.when(several & (views != ""))
        .then(pl.lit(", pretrained on ") + views.replace(named))
        .otherwise(pl.lit(""))
        .alias("pretrained"),
    )
    by = [*TABLE, *CONTENDER]
    return rows.join(told, on=by, how="left", nulls_equal=True, maintain_order="left")


def _brief(views: str) -> str:
    """`lenses under 8 conditions`, of `dataset condition | dataset condition | …`."""
    datasets, conditions = sides_of(views)
    if not datasets:  # of a board by hands unknown
        return views
    return f"{_counted(datasets, 'datasets')} under {_counted(conditions, 'conditions')}"


def _counted(names: list[str], kind: str) -> str:
    return " and ".join(names) if len(names) <= _MOST_NAMED else f"{len(names)} {kind}"
