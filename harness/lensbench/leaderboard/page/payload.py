"""Records as the page carries them: one row for all seeds, by columns, each text once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from lensbench.leaderboard.board.documents import Credit
from lensbench.leaderboard.contenders import NOTES, TABLE, with_notes
from lensbench.leaderboard.page.evidence import Evidence
from lensbench.leaderboard.page.packing import clip, short
from lensbench.leaderboard.page.rankings import packed_rankings
from lensbench.leaderboard.seeds import BY, over_seeds
from lensbench.leaderboard.standings import Ranking, by_every_metric
from lensbench.leaderboard.tiers import with_tiers

VERSION = 2

_TEXTS = (
    *TABLE,
    "entrant",
    "target_view",
    "pretraining_views",
    "test_condition",
    "metric",
    "state",
    "error",
    "encoder",
    "pretraining",
    "transfer",
    "baseline",
    "device",
    "torch",
    "python",
    "system",
    "lensbench",
    "code",
    "cell",
)
_NUMBERS = (
    "labels",
    "value",
    "low",
    "high",
    "n",
    "chance",
    "data_range",
    "threads",
    "fits",
    "seconds_pretraining",
    "seconds_fit",
    "memory_fit",
    "parameters",
)


def payload(
    evidence: Evidence,
    rows: pl.DataFrame,
    rankings: Sequence[Ranking],
    credited: Sequence[Credit] = (),
    **blocks: Any,
) -> dict[str, Any]:
    """All that the page knows, in values that JSON has.

    Args:
        evidence: Records and what is said of them.
        rows: Its records, one for all seeds, from `combine`.
        rankings: Of these rows.
        credited: Plugins that they name.
        blocks: More of it, by name.
    """
    tables = _tables(rows)
    return {
        "version": VERSION,
        "name": clip(evidence.name),
        "study": evidence.study[:20000],
        "trust": {clip(name): clip(said) for name, said in evidence.trust.items()},
        "counts": _counts(evidence.records),
        "tables": [
            {name: clip(fact) for name, fact in zip(TABLE, table, strict=True)} for table in tables
        ],
        "all_labels": _all_labels(evidence, tables),
        "short": {
            clip(name): clip(evidence.short[name])
            for name in rows["encoder"].unique(maintain_order=True)
            if name in evidence.short
        },
        **packed_rankings(rankings, tables),
        "texts": {name: _texts(rows[name]) for name in (*_TEXTS, *NOTES, "tier")},
        "numbers": {
            "table": [tables.index(table) for table in rows.select(TABLE).iter_rows()],
            **{name: [short(value) for value in rows[name]] for name in _NUMBERS},
        },
        "curves": _curves(rows),
        "seeds": [
            [short(one) for one in values] if len(values) > 1 else 0 for values in rows["seeds"]
        ],
        "metrics": _metrics(rows),
        "plugins": [
            {name: clip(text) for name, text in asdict(credit).items()}
            | {"citation": credit.citation[:2000]}
            for credit in credited
        ],
        **blocks,
    }


def combine(records: pl.DataFrame, tiers: Mapping[str, str] | None = None) -> pl.DataFrame:
    """One row for all seeds of a contender under a condition, by a metric.

    Columns are added to those of `over_seeds`: `seeds`, the value of each; `tier`, the lowest
    that any of their cells has earned, empty where nothing is known of it; and `NOTES`.

    Args:
        records: A row a seed.
        tiers: By cell.
    """
    every = by_every_metric(records)
    seeds = every.group_by(BY).agg(pl.col("value").alias("seeds"))
    joined = over_seeds(every).join(seeds, on=list(BY), how="left", nulls_equal=True)
    return with_notes(with_tiers(joined, every, tiers or {})).sort(BY, nulls_last=True)


def _tables(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    """What tells tables apart, in the order of their rows."""
    return list(dict.fromkeys(rows.select(TABLE).iter_rows()))


def _all_labels(evidence: Evidence, tables: Sequence[tuple[Any, ...]]) -> list[int | None]:
    """How many labelled scenes `all` are in each table, where that is known and one number."""
    counts: dict[tuple[Any, ...], set[int | None]] = {table: set() for table in tables}
    full = evidence.records.filter(pl.col("labels").is_null()).select("cell", *TABLE).unique()
    for cell, *table in full.iter_rows():
        counts[tuple(table)].add(evidence.all_labels.get(cell))
    return [one.pop() if len(one) == 1 else None for one in counts.values()]


def _texts(column: pl.Series) -> dict[str, list[Any]]:
    """Each text once, and which it is in every row."""
    filled = column.fill_null("")
    known = filled.unique(maintain_order=True)
    codes = pl.Series(range(len(known)), dtype=pl.UInt32)
    return {
        "words": [clip(text) for text in known],
        "codes": filled.replace_strict(known, codes).to_list(),
    }


def _curves(rows: pl.DataFrame) -> dict[str, list[list[float]]]:
    """Images seen and validation score along the fit of one seed, by its cell."""
    found: dict[str, list[list[float]]] = {}
    known = rows.select("cell", "curve_fit").drop_nulls().unique(maintain_order=True)
    for cell, curve in known.iter_rows():
        points = [_POINT.fullmatch(word) for word in curve.split()]
        found[clip(cell)] = [[float(one[1]), float(one[2])] for one in points if one]
    return {cell: points for cell, points in found.items() if len(points) > 1}


_POINT = re.compile(r"(\d{1,15}):(-?\d{1,15}(?:\.\d{0,15})?(?:e-?\d{1,2})?)")
"""Of a learning curve: images seen, and validation score."""


def _counts(records: pl.DataFrame) -> dict[str, int]:
    state = pl.col("state").replace("undefined", "done")  # the cell is, and a metric has no value
    by_cell = records.group_by("cell").agg(state.sort_by(state == "done").first())
    states = dict(by_cell["state"].value_counts().iter_rows())
    scenes = records["n"].max()
    return {
        "records": records.height,
        "cells": by_cell.height,
        "scenes": scenes if isinstance(scenes, int) else 0,
        **{f"cells_{state}": count for state, count in states.items() if state in _STATES},
    }


_STATES = ("done", "failed", "incompatible")


def _metrics(rows: pl.DataFrame) -> list[dict[str, Any]]:
    known = rows.group_by("task", "metric", maintain_order=True).agg(
        pl.col("unit", "higher_is_better", "primary").drop_nulls().first()
    )
    named = known.rename({"higher_is_better": "up"}).iter_rows(named=True)
    return [
        {key: clip(value) if isinstance(value, str) else value for key, value in row.items()}
        for row in named
    ]
