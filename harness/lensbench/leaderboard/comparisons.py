"""What changed between two entrants or two boards, by how much, and if it is more than chance.

Every difference is `after − before`. P-values are corrected for the number of differences tested.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from lensbench.errors import UsageError, nearest
from lensbench.leaderboard.changes import Change, tested
from lensbench.leaderboard.contenders import NAME, TABLE, with_notes
from lensbench.leaderboard.pairing import (
    ScoredFits,
    Scores,
    estimate_of,
    paired_difference,
    same_seeds,
)
from lensbench.leaderboard.seeds import SEEDS, over_seeds
from lensbench.leaderboard.selection import by_metric
from lensbench.leaderboard.source import Source
from lensbench.stats.crossed import Estimate, estimate, independent_difference

VIEW = (*TABLE, "test_condition", "labels", "metric")
"""Columns that two entrants have to share."""

CELL = ("entrant", "pretraining_views", "target_view", *VIEW)
"""Columns that two boards have to share."""


def compare_entrants(
    source: Source, a: str, b: str, metric: str = "", correction: str = "holm"
) -> list[Change]:
    """Two entrants of one run or board, wherever both were asked the same.

    Args:
        source: Where both stand.
        a, b: Their names, as tables have them, or parts that no other entrant's name has.
        metric: Its name; the primary one of each task where empty.
        correction: One of `CORRECTIONS`.

    Raises:
        UsageError: Where a name fits none or several, or they share nothing.
    """
    found = entrant_changes(_chosen(source, metric), Scores(source.scores), a, b)
    return tested(found, correction)


def entrant_changes(records: pl.DataFrame, scores: Scores, a: str, b: str) -> list[Change]:
    """Changes from one entrant to another wherever both were scored, not yet tested.

    Args:
        records: By one metric of each task, a row a seed.
        scores: How scores vary over scenes.
        a, b: Names of entrants, or parts of them.

    Raises:
        UsageError: Where a name fits none or several, or they share nothing.
    """
    named = with_notes(records).with_columns(NAME)
    frames = [_rows_of(named, name) for name in (a, b)]
    names = [frame["entrant"][0] for frame in frames]
    views = [set(frame["pretraining_views"].fill_null("")) for frame in frames]
    alike = all(_same(frames, column) for column in ("encoder", "pretraining"))
    matched = alike and views[0] == views[1]
    changes = _changes(frames[0], frames[1], scores, scores, VIEW, matched)
    if all(one.before is None or one.after is None for one in changes):
        raise UsageError(f"{names[0]!r} and {names[1]!r} have no scores to compare", "")
    return changes


def compare_sources(
    before: Source, after: Source, metric: str = "", correction: str = "holm"
) -> list[Change]:
    """Every score of two runs or boards.

    Raises:
        UsageError: Where they share no score.
    """
    frames = [_chosen(source, metric) for source in (before, after)]
    scores = [Scores(source.scores) for source in (before, after)]
    changes = _changes(frames[0], frames[1], scores[0], scores[1], CELL, True)
    if all(one.verdict in ("lost", "new", "not scored") for one in changes):
        facts = [f"{c} {sorted(set(f[c]))}" for f in frames for c in ("task", "budget")]
        problem = "have no score of the same entrant, task, budget and condition"
        raise UsageError(f"{before.name!r} and {after.name!r} {problem}", "; ".join(facts))
    return tested(changes, correction)


def _rows_of(records: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows of the entrant of this name, or the only one whose name has it in it.

    Args:
        records: With the column `name`.
        name: As tables have it, or of an entrant, where that stands in no table twice.

    Raises:
        UsageError: Where there is none, or more than one.
    """
    found: list[str] = []
    for column in ("entrant", "name"):
        known = sorted(records[column].unique())
        found = [name] if name in known else [one for one in known if name in one]
        frame = records.filter(pl.col(column).is_in(found))
        if len(found) == 1 and not frame.select(*VIEW, *SEEDS).is_duplicated().any():
            return frame
    if found:
        raise UsageError(f"{name!r} matches {len(found)} entrants", "; ".join(found[:6]))
    raise UsageError(f"there is no entrant {name!r}", nearest(name, known))


def _same(frames: Sequence[pl.DataFrame], column: str) -> bool:
    """Whether both have the same in a column, and something at all."""
    values = {value for frame in frames for value in frame[column].unique()}
    return len(values) == 1 and bool(values.pop())


def _chosen(source: Source, metric: str) -> pl.DataFrame:
    records = source.records
    found = by_metric(records, metric).collect()
    if found.is_empty():
        if not metric:
            raise UsageError(f"{source.name!r} has no records", "is the run finished?")
        known = records.select("metric").unique().collect()["metric"]
        raise UsageError(f"{source.name!r} has no metric {metric!r}", nearest(metric, known))
    return found


def _changes(
    before: pl.DataFrame,
    after: pl.DataFrame,
    scores_before: Scores,
    scores_after: Scores,
    by: Sequence[str],
    matched: bool,
) -> list[Change]:
    """A change for each place that either has, in the order of their names."""
    one, other = _Side(before, scores_before, by), _Side(after, scores_after, by)
    places = sorted({*one.places, *other.places}, key=lambda place: tuple(map(str, place)))
    return [
        _change(dict(zip(by, place, strict=True)), one, other, place, matched) for place in places
    ]


class _Side:
    """Records of one side, by place, with their means over seeds."""

    def __init__(self, records: pl.DataFrame, scores: Scores, by: Sequence[str]) -> None:
        self.places = dict(records.group_by(by, maintain_order=True))
        means = over_seeds(records, by)
        self.means = {tuple(row[name] for name in by): row for row in means.iter_rows(named=True)}
        self.scores = scores

    def scored(self, place: tuple[Any, ...]) -> ScoredFits | None:
        """Fits with their scores by scene."""
        return self.scores.of(self.places[place])


def _change(
    where: dict[str, Any], one: _Side, other: _Side, place: tuple[Any, ...], matched: bool
) -> Change:
    early, late = one.means.get(place), other.means.get(place)
    before = early["value"] if early else None
    after = late["value"] if late else None
    if early is None or late is None or before is None or after is None:
        return Change(where, before, after, _missing(before, after, late))
    frames = one.places[place], other.places[place]
    where["higher_is_better"] = early["higher_is_better"]
    predictions = [sorted(frame["predictions"]) for frame in frames]
    if predictions[0] == predictions[1] and before == after:
        return Change(where, before, after, "same")
    mine, theirs = one.scored(place), other.scored(place)
    method = "records"
    found: Estimate | None = None
    if mine and theirs:
        method = "paired"
        found = paired_difference(theirs, mine, matched and same_seeds(*frames))
        if found is None:
            method = "unpaired"
            found = independent_difference(estimate(theirs.draws), estimate(mine.draws))
    if found is None:
        estimates = estimate_of(late), estimate_of(early)
        if estimates[0] is None or estimates[1] is None:
            return Change(where, before, after, "no interval")
        found = independent_difference(estimates[0], estimates[1])
    return Change(where, before, after, "", found, method)


def _missing(before: float | None, after: float | None, late: dict[str, Any] | None) -> str:
    """The verdict where a score is missing."""
    if before is None:
        return "not scored" if after is None else "new"
    return "lost" if late is None or late["state"] == "incompatible" else "failed"
