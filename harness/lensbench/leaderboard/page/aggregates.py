"""One score for an entrant over conditions and tasks, and tests of every pair, for the page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import polars as pl

from lensbench.leaderboard.contenders import CONTENDER, TABLE
from lensbench.leaderboard.page.payload import clip, short
from lensbench.leaderboard.pairing import Scored, Scores, pairwise
from lensbench.stats.aggregate import Aggregate, aggregate, normalised_part

_MOST_PAIRED = 12
"""Entrants of a table that are tested against each other, the best first."""

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


def pairs(records: pl.DataFrame, rows: pl.DataFrame, scores: pl.DataFrame) -> list[dict[str, Any]]:
    """Paired tests of the best entrants of each table under each condition.

    Args:
        records: A row a seed.
        rows: A row for all seeds, from `combine`.
        scores: How scores vary over scenes; where it has no rows there are no tests.
    """
    if scores.is_empty():
        return []
    known = Scores(scores)
    done = records.filter((pl.col("state") == "done") & pl.col("primary"))
    by = (*TABLE, "labels", "test_condition", "metric")
    values = rows.filter(
        (pl.col("state") == "done") & pl.col("primary") & pl.col("value").is_finite()
    )
    tested = []
    seeds = dict(done.group_by(by))
    for key, frame in values.group_by(by, maintain_order=True):
        found = _tested(seeds[key], frame, known)
        if found:
            *facts, labels, condition, metric = key
            named = {name: clip(str(fact)) for name, fact in zip(TABLE, facts, strict=True)}
            tested.append(
                {"table": named, "labels": labels, "condition": clip(str(condition)),
                 "metric": clip(str(metric)), "pairs": found}
            )  # fmt: skip
    return tested


def _tested(records: pl.DataFrame, rows: pl.DataFrame, known: Scores) -> list[list[Any]]:
    """Names of two, their difference with its interval, and its corrected p-value."""
    up = bool(rows["higher_is_better"][0])
    best = rows.sort("value", descending=up).head(_MOST_PAIRED)
    scored: dict[str, Scored] = {}
    for row in best.iter_rows(named=True):
        mine = pl.all_horizontal(pl.col(name).eq_missing(row[name]) for name in CONTENDER)
        its = known.of(records.filter(mine))
        if its is not None:
            scored[_contender(row)] = its
    if len(scored) < 2:
        return []
    values = {_contender(row): row["value"] for row in best.iter_rows(named=True)}
    tests = pairwise(scored, values, up)
    found = []
    for i, a in enumerate(tests.entrants):
        for j, b in enumerate(tests.entrants[i + 1 :], i + 1):
            one = tests.differences[i][j]
            if one is not None and not math.isnan(tests.p[i, j]):
                numbers = (one.value, one.low, one.high, float(tests.p[i, j]))
                found.append([a, b, *map(short, numbers)])
    return found


def _contender(row: dict[str, Any]) -> str:
    """Tells the rows of a table apart; the page makes the same of the same record."""
    return "\n".join(clip(row[name]) for name in CONTENDER)
