"""One score for an entrant over conditions and tasks, for the page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import polars as pl

from lensbench.leaderboard.contenders import TABLE
from lensbench.leaderboard.page.packing import clip, short
from lensbench.stats.aggregate import Aggregate, aggregate, normalised_part

_Named = tuple[str, str]
"""An entrant, and what its name needs where a table has it several times."""

_NOTE = (
    "On a scale from 0, chance or (where chance has no value) the weakest traditional method under "
    "the same condition, to 1, the best known there. Mean over conditions, then over tables; all "
    "labels. A score of fewer tables than there are compares with none of more, and comes last."
)


def overall(rows: pl.DataFrame) -> dict[str, Any]:
    """Normalised scores of every entrant, from one row for all seeds.

    Returns:
        `tables` (their names), `note`, and `rows`: entrant, note, mean, worst, gap, parts by table.
    """
    several = pl.col("target_view").n_unique().over(*TABLE, "entrant", "pretrained") > 1
    adapted = pl.when(several).then("adapted").otherwise(pl.lit(""))
    primary = rows.filter(pl.col("primary") & pl.col("labels").is_null()).with_columns(
        pl.concat_str(adapted, "pretrained").alias("note")
    )
    names: list[str] = []
    found: dict[_Named, dict[str, Aggregate]] = {}
    for facts, table in primary.group_by(TABLE, maintain_order=True):
        name = _name(facts, names)
        names.append(name)
        for who, its in _table(table).items():
            found.setdefault(who, {})[name] = its
    lines = [_line(who, its, names) for who, its in sorted(found.items())]
    lines.sort(key=lambda line: (line["n"] - line["expected"], line["mean"] or 0.0), reverse=True)
    return {"tables": [clip(name) for name in names], "note": _NOTE, "rows": lines}


def _name(facts: Iterable[Any], taken: list[str]) -> str:
    """The task, and as much more as tells the table from those before."""
    parts = [str(fact) for fact in facts]
    short_name = parts[0]
    return short_name if short_name not in taken else ", ".join(parts)


def _table(rows: pl.DataFrame) -> dict[_Named, Aggregate]:
    """Aggregate over conditions of each entrant of one table."""
    up = bool(rows["higher_is_better"].drop_nulls().first())
    home = str(rows["train_condition"][0])
    scales = {
        str(condition[0]): _scale(frame, up) for condition, frame in rows.group_by("test_condition")
    }
    result = {}
    for name, frame in rows.group_by("entrant", "note", maintain_order=True):
        parts: dict[str, tuple[float, float, float] | None] = dict.fromkeys(scales)
        for row in frame.iter_rows(named=True):
            scale, condition = scales[row["test_condition"]], row["test_condition"]
            if scale is not None and row["value"] is not None:
                bounds = (row["low"], row["high"])
                low, high = (math.nan if bound is None else bound for bound in bounds)
                parts[condition] = normalised_part((row["value"], low, high), *scale)
        if any(part is not None for part in parts.values()):
            result[str(name[0]), str(name[1])] = aggregate(parts, home)
    return result


def _scale(rows: pl.DataFrame, up: bool) -> tuple[float, float] | None:
    """Values that count as 0 and 1 under one condition."""
    known = rows.filter(pl.col("value").is_finite())
    if known.is_empty():
        return None
    values = known["value"].to_list()
    best = max(values) if up else min(values)
    chance = known["chance"].drop_nulls()
    traditional = known.filter(pl.col("baseline").fill_null("") != "")["value"].to_list()
    if len(chance):
        return float(chance[0]), best
    if not traditional:
        return None
    return (min(traditional) if up else max(traditional)), best


def _line(who: _Named, its: dict[str, Aggregate], names: list[str]) -> dict[str, Any]:
    tables = {
        name: None if one is None or one.mean is None or not one.complete else (one.mean,) * 3
        for name, one in ((name, its.get(name)) for name in names)
    }
    over = aggregate(tables)
    worst = [one.worst for one in its.values() if one.worst is not None]
    gaps = [one.gap for one in its.values() if one.gap is not None]
    return {
        "entrant": clip(who[0]),
        "note": clip(who[1]),
        "mean": short(over.mean),
        "n": over.n,
        "expected": over.expected,
        "worst": short(sum(worst) / len(worst)) if worst else None,
        "gap": short(sum(gaps) / len(gaps)) if gaps else None,
        "parts": [short(tables[name][0]) if tables[name] else None for name in names],  # type: ignore[index]
    }
