"""What changed between two entrants or two boards, by how much, and if it is more than chance.

Every difference is `after − before`. P-values are corrected for the number of differences tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from lensbench.errors import UsageError, nearest
from lensbench.leaderboard.contenders import NAME, with_notes
from lensbench.leaderboard.pairing import (
    Scored,
    Scores,
    estimate_of,
    paired_difference,
    same_seeds,
)
from lensbench.leaderboard.seeds import SEEDS, over_seeds
from lensbench.leaderboard.selection import by_metric
from lensbench.leaderboard.source import Source
from lensbench.stats.fits import Estimate, estimate, independent_difference
from lensbench.stats.multiplicity import benjamini_hochberg, holm

ALPHA = 0.05
CORRECTIONS = {"holm": holm, "bh": benjamini_hochberg}
"""Against many tests: the chance of any false alarm, or the share of them."""

VIEW = ("task", "dataset", "test_dataset", "train_condition", "test_condition", "labels",
        "budget", "metric")  # fmt: skip
"""Columns that two entrants have to share."""

CELL = ("entrant", "pretraining_views", "target_view", *VIEW)
"""Columns that two boards have to share."""

WORSE = ("worse", "failed", "lost")
"""Verdicts that are a regression."""


@dataclass(frozen=True)
class Change:
    """One score before and after.

    Attributes:
        where: Columns of records that both share.
        before, after: Score over all seeds; `None` where there is none.
        verdict: `better`, `worse`, `different` (of a metric without direction), `no difference
            shown`, `no interval` (of one scene), `same` (the very predictions), `failed` or `lost`
            (done before, failed or absent after), `new`, or `not scored` on either side.
        difference: After less before; `None` where either is missing.
        method: `paired` by scene; `unpaired`, on other scenes; or `records`, from their intervals
            alone, which is too wide where the scenes are the same.
        p: Two-sided, corrected; NaN where there was no test.
        detectable: The smallest true difference that would have been found four times in five, at
            the level that the correction leaves; NaN where there was no test.
    """

    where: Mapping[str, Any]
    before: float | None
    after: float | None
    verdict: str
    difference: Estimate | None = None
    method: str = ""
    p: float = float("nan")
    detectable: float = float("nan")

    @property
    def is_regression(self) -> bool:
        """Whether something got worse or was lost."""
        return self.verdict in WORSE


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
    records = with_notes(_chosen(source, metric)).with_columns(NAME)
    frames = [_rows_of(records, name) for name in (a, b)]
    names = [frame["entrant"][0] for frame in frames]
    scores = Scores(source.scores)
    views = [set(frame["pretraining_views"].fill_null("")) for frame in frames]
    alike = all(_same(frames, column) for column in ("encoder", "pretraining"))
    matched = alike and views[0] == views[1]
    changes = _changes(frames[0], frames[1], scores, scores, VIEW, matched)
    both = [one for one in changes if one.before is not None and one.after is not None]
    if not both:
        raise UsageError(f"{names[0]!r} and {names[1]!r} were never asked the same", "")
    return _tested(changes, correction)


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
        raise UsageError(
            f"{before.name!r} and {after.name!r} have no score of the same entrant, task, budget "
            "and condition", "; ".join(facts),
        )  # fmt: skip
    return _tested(changes, correction)


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
        raise UsageError(f"{name!r} is in {len(found)} names", "; ".join(found[:6]))
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
    one, other = (_Side(frame, its, by) for frame, its in
                  ((before, scores_before), (after, scores_after)))  # fmt: skip
    places = sorted({*one.places, *other.places}, key=lambda place: tuple(map(str, place)))
    return [_change(dict(zip(by, place, strict=True)), one, other, place, matched)
            for place in places]  # fmt: skip


class _Side:
    """Records of one side, by place, with their means over seeds."""

    def __init__(self, records: pl.DataFrame, scores: Scores, by: Sequence[str]) -> None:
        self.places = dict(records.group_by(by, maintain_order=True))
        means = over_seeds(records, by)
        self.means = {tuple(row[name] for name in by): row for row in means.iter_rows(named=True)}
        self.scores = scores

    def scored(self, place: tuple[Any, ...]) -> Scored | None:
        """Fits with their scores by scene."""
        return self.scores.of(self.places[place])


def _change(
    where: dict[str, Any], one: _Side, other: _Side, place: tuple[Any, ...], matched: bool
) -> Change:
    row, its = one.means.get(place), other.means.get(place)
    before = row["value"] if row else None
    after = its["value"] if its else None
    if row is None or its is None or before is None or after is None:
        return Change(where, before, after, _missing(before, after, its))
    frame, late = one.places[place], other.places[place]
    where["higher_is_better"] = row["higher_is_better"]
    if sorted(frame["predictions"]) == sorted(late["predictions"]) and before == after:
        return Change(where, before, after, "same")
    mine, theirs = one.scored(place), other.scored(place)
    method = "records"
    found: Estimate | None = None
    if mine and theirs:
        method = "paired"
        found = paired_difference(theirs, mine, matched and same_seeds(frame, late))
        if found is None:
            method = "unpaired"
            found = independent_difference(estimate(theirs.draws), estimate(mine.draws))
    if found is None:
        late_estimate, early = estimate_of(its), estimate_of(row)
        if late_estimate is None or early is None:
            return Change(where, before, after, "no interval")
        found = independent_difference(late_estimate, early)
    return Change(where, before, after, "", found, method)


def _missing(before: float | None, after: float | None, its: dict[str, Any] | None) -> str:
    """The verdict where a score is missing."""
    if before is None:
        return "not scored" if after is None else "new"
    return "lost" if its is None or its["state"] == "incompatible" else "failed"


def _tested(changes: list[Change], correction: str) -> list[Change]:
    """Changes with corrected p-values and the verdicts that follow from these."""
    tested = [one.difference for one in changes if one.difference is not None]
    corrected = iter(CORRECTIONS[correction](np.array([one.p for one in tested])))
    return [
        _verdict(one, float(next(corrected)), len(tested)) if one.difference else one
        for one in changes
    ]


def _verdict(change: Change, p: float, tests: int) -> Change:
    if change.difference is None:
        return change
    up = change.where["higher_is_better"]
    verdict = "no difference shown"
    if p < ALPHA and up is None:
        verdict = "different"
    elif p < ALPHA:
        verdict = "better" if (change.difference.value > 0) == up else "worse"
    detectable = change.difference.detectable(ALPHA / tests)
    return replace(change, p=p, verdict=verdict, detectable=detectable)


def rows_of(changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """Changes as plain rows, for JSON and tables of numbers."""
    for one in changes:
        its = one.difference
        facts = {name: value for name, value in one.where.items() if name != "higher_is_better"}
        yield facts | {
            "before": one.before, "after": one.after, "verdict": one.verdict,
            "method": one.method or None, "difference": its.value if its else None,
            "low": _number(its.low) if its else None, "high": _number(its.high) if its else None,
            "p": _number(one.p), "detectable": _number(one.detectable),
            "n": its.n if its else None, "fits": its.fits if its else None,
            "counted": list(its.counted) if its else None,
        }  # fmt: skip


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
