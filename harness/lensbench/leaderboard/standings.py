"""How the entrants of a table stand: place, worst condition, gap and cost, computed once.

Tables on a terminal, exported tables and the page all show these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import polars as pl

from lensbench.leaderboard.board.manifest import TIERS
from lensbench.leaderboard.contenders import CONTENDER, TABLE
from lensbench.leaderboard.selection import by_metric
from lensbench.stats.published import PublishedValue

GROUPS = (*TABLE, "labels", "metric")
"""Columns of which a ranking has one value each."""

Row = Mapping[str, Any]
"""A row of `over_seeds`, with the columns `adapted` and `pretrained`."""


class Limit(NamedTuple):
    """What a value can be held against.

    Attributes:
        reference: The local reference of an error, which is no bound; NaN for other metrics.
        bound: What no method can beat: van Trees' bound on an error, an upper bound on an area
            under the ROC curve. NaN where there is none.
    """

    reference: float
    bound: float


Limits = Mapping[tuple[str, str], Limit]
"""By metric and test condition, in the metric's unit."""


@dataclass(frozen=True)
class Standing:
    """One entrant in a ranking.

    Attributes:
        name: The entrant, and what tells it from others of the same name.
        rows: A row for each test condition that has one, whatever its state.
        home: The row under the condition that ranks; `None` where it has no finite value.
        worst: The row under the worst other condition; `None` where none has a value.
        place: From 1; `None` without a value under the condition that ranks, or a direction.
        limit: Local reference of the error under that condition, where one is known.
    """

    name: str
    rows: Mapping[str, Row]
    home: Row | None
    worst: Row | None
    place: int | None = None
    limit: float | None = None

    @property
    def first(self) -> Row:
        """A row that describes the entrant: one that is done, where there is one."""
        return next(self.scored, next(iter(self.rows.values())))

    @property
    def scored(self) -> Iterator[Row]:
        """Rows with a finite value."""
        return (row for row in self.rows.values() if has_value(row))

    @property
    def gap(self) -> float | None:
        """The value under the condition that ranks less that under the worst."""
        return self.home["value"] - self.worst["value"] if self.home and self.worst else None

    @property
    def seconds(self) -> float | None:
        """What pretraining, the fit and all predictions took."""
        rows = list(self.scored)
        if not rows or rows[0]["seconds_fit"] is None:
            return None
        trained = float(rows[0]["seconds_fit"]) + (rows[0]["seconds_pretraining"] or 0.0)
        return trained + sum(row["seconds_predict"] or 0.0 for row in rows)

    @property
    def tier(self) -> str:
        """The lowest tier that any value of the row has earned; empty where nothing is known."""
        earned = {row.get("tier") for row in self.scored}
        return next((tier for tier in TIERS if tier in earned), "")

    @property
    def efficiency(self) -> float | None:
        """The local reference of the error over the error reached."""
        if self.limit is None or self.home is None or not self.home["value"] > 0:
            return None
        return self.limit / float(self.home["value"])


@dataclass(frozen=True)
class Ranking:
    """The entrants of one table by one metric, ranked.

    Attributes:
        facts: Values of `GROUPS`.
        higher_is_better: Direction of the metric; `None` where it has none, as a signed bias: then
            nobody is ranked and no condition is the worst.
        home: The condition that ranks: the one trained on, or the first where nothing was tested
            under it.
        conditions: All of them, `home` first.
        standings: The best first, those without a value last.
        limits: Of the metric under each condition; `None` where none is known.
        published: What papers state of this task and metric.
    """

    facts: Mapping[str, Any]
    higher_is_better: bool | None
    home: str
    conditions: tuple[str, ...]
    standings: tuple[Standing, ...]
    limits: tuple[Limit | None, ...]
    published: tuple[PublishedValue, ...]


def has_value(row: Row | None) -> bool:
    """Whether a row is done and its value finite."""
    return row is not None and row["state"] == "done" and math.isfinite(row["value"] or 0.0)


def rank(
    rows: pl.DataFrame,
    limits: Limits | None = None,
    published: Sequence[PublishedValue] = (),
) -> Ranking:
    """The ranking of the rows of one table, one number of labels and one metric.

    Args:
        rows: From `over_seeds` and `with_notes`, or records of one seed.
        limits: Local references and bounds.
        published: Values of papers, of any table.
    """
    first = rows.row(0, named=True)
    directions = rows["higher_is_better"].drop_nulls()
    up = bool(directions[0]) if len(directions) else None
    seen = sorted(rows["test_condition"].unique(), key=in_order)
    trained_on = first["train_condition"]
    home = trained_on if trained_on in seen else seen[0]
    conditions = (home, *(name for name in seen if name != home))
    found = tuple((limits or {}).get((first["metric"], name)) for name in conditions)
    known = found[0]
    limit = known.reference if known and not math.isnan(known.reference) else None
    standings = [
        _standing(frame.iter_rows(named=True), conditions, up, limit)
        for _, frame in rows.group_by(*CONTENDER, maintain_order=True)
    ]
    standings.sort(key=lambda one: _order(one, up))
    placed = [
        replace(one, place=place if one.home and up is not None else None)
        for place, one in enumerate(standings, start=1)
    ]
    facts = {name: first[name] for name in GROUPS}
    stated = tuple(one for one in published if _belongs(one, first))
    return Ranking(facts, up, home, conditions, tuple(placed), found, stated)


def _belongs(one: PublishedValue, first: Row) -> bool:
    """Whether a value of a paper is of the table, labels and metric of a row."""
    return (
        (one.task, one.metric) == (first["task"], first["metric"])
        and one.dataset in ("", first["test_dataset"])
        and one.labels == (first["labels"] or "all")
    )


def in_order(text: str) -> list[tuple[int, str]]:
    """Sorts `psf@2` before `psf@10`, and names by letter."""
    parts = re.split(r"(\d+)", text)
    return [(int(part) if part.isdigit() else -1, part) for part in parts]


def by_every_metric(records: pl.DataFrame) -> pl.DataFrame:
    """Records by each metric of their task, the primary ones first.

    What has no score has one record, by the primary metric; here it has one for each metric of
    its task that another entrant was scored by, so that no failure is missing from a table.
    """
    primary = records.filter(pl.col("primary"))
    ranks = primary.select("task", "metric").unique()
    frames = [primary]
    for metric in records.filter(~pl.col("primary"))["metric"].unique(maintain_order=True):
        frame = by_metric(records.lazy(), metric).collect()
        others = frame.join(ranks, on=["task", "metric"], how="anti", maintain_order="left")
        frames.append(others.with_columns(primary=pl.lit(False)))
    return pl.concat(frames)


def _standing(
    rows: Iterable[Row], conditions: tuple[str, ...], up: bool | None, limit: float | None
) -> Standing:
    found = {row["test_condition"]: row for row in rows}
    ordered = {name: found[name] for name in conditions if name in found}
    first = next(iter(ordered.values()))
    name = f"{first['entrant']}{first.get('adapted') or ''}{first.get('pretrained') or ''}"
    home = ordered.get(conditions[0])
    away = [ordered[name] for name in conditions[1:] if has_value(ordered.get(name))]
    sign = 1 if up else -1
    ranked = away and up is not None
    worst = min(away, key=lambda row: sign * row["value"]) if ranked else None
    return Standing(name, ordered, home if has_value(home) else None, worst, limit=limit)


def _order(standing: Standing, up: bool | None) -> tuple[bool, float, str]:
    """Those without a value last; by value and name, or as they come without a direction."""
    if standing.home is None:
        return True, 0.0, standing.name
    if up is None:
        return False, 0.0, ""
    return False, standing.home["value"] * (-1 if up else 1), standing.name
