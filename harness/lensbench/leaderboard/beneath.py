"""Rows beneath the entrants of a ranking: how well any method could do, and what papers state."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pydantic

from lensbench.leaderboard.standings import Ranking, Row, has_value
from lensbench.leaderboard.study_text import listed
from lensbench.stats.intervals import LEVEL
from lensbench.stats.published import PublishedValue

REFERENCE, BOUND, INFORMATION = "local reference", "van Trees bound", "limit of information"

_ERRORS = (
    "Efficiency: the local reference over the trained-on value. The reference is of scenes without "
    "substructure."
)
_BOUNDS = "No method can beat the van Trees bound, which is of the same scenes."
_CLASSES = (
    "Limit of information: an upper bound, the score of an observer who fits the smooth lens and "
    "knows the substructure of every scene, or all but its angle."
)


_PUBLISHED = "Published values are of other data, and are not ranked."


@dataclass(frozen=True)
class RowBeneath:
    """One row.

    Attributes:
        name: What it is.
        values: As text, under each condition of the ranking.
        efficiency: Of a method that reaches it, as text.
    """

    name: str
    values: tuple[str, ...]
    efficiency: str


def rows_beneath(ranking: Ranking) -> list[RowBeneath]:
    """The rows of a ranking: those of limits where one is known, then those of papers."""
    return [*_limits(ranking), *(_published(ranking, one) for one in ranking.published)]


def note_beneath(ranking: Ranking) -> str:
    """What the rows mean; empty where there are none."""
    notes = []
    if any(ranking.limits):
        notes.append(_CLASSES if _of_classes(ranking) else _ERRORS)
        if not _of_classes(ranking) and any(one and one.bound > 0 for one in ranking.limits):
            notes.append(_BOUNDS)
    if beyond := beyond_limits(ranking):
        named = ", ".join(f"{name} under {condition}" for name, condition in beyond)
        notes.append(
            f"BETTER THAN ANY METHOD CAN BE: {named}. Look for a leak between splits, or for an "
            "error in the limit."
        )
    if ranking.published:
        notes.append(_PUBLISHED)
    return " ".join(notes)


def beyond_limits(ranking: Ranking) -> list[tuple[str, str]]:
    """Entrants, and conditions, whose whole interval is better than what any method can reach.

    An RMSE without an interval has that of normal errors here: other errors scatter more.
    """
    bounds = {
        condition: limit.bound
        for condition, limit in zip(ranking.conditions, ranking.limits, strict=True)
        if limit is not None
    }
    return [
        (standing.name, condition)
        for standing in ranking.standings
        for condition, row in standing.rows.items()
        if _is_beyond(row, bounds.get(condition, math.nan), ranking.higher_is_better)
    ]


def _is_beyond(row: Row, bound: float, higher_is_better: bool | None) -> bool:
    if not has_value(row):
        return False
    if higher_is_better:
        return row["low"] is not None and bool(row["low"] > bound)
    high = row["high"]
    if high is None:
        from scipy import special

        n = row["n"]
        high = row["value"] * math.sqrt(n / (2 * special.gammaincinv(n / 2, (1 - LEVEL) / 2)))
    return bool(high < bound)


def _published(ranking: Ranking, one: PublishedValue) -> RowBeneath:
    shown = one.condition or ranking.home
    values = tuple(f"{one.value:g}" if name == shown else "–" for name in ranking.conditions)
    return RowBeneath(f"published: {one.name} ({one.source})", values, "–")


def _limits(ranking: Ranking) -> list[RowBeneath]:
    if not any(ranking.limits):
        return []
    bounds = [math.nan if one is None else one.bound for one in ranking.limits]
    if _of_classes(ranking):
        return [RowBeneath(INFORMATION, tuple(_number(one, ".3f") for one in bounds), "–")]
    references = [math.nan if one is None else one.reference for one in ranking.limits]
    return [
        RowBeneath(
            name,
            tuple(_number(one, ".4f") for one in values),
            _number(references[0] / values[0], ".2f"),
        )
        for name, values in ((REFERENCE, references), (BOUND, bounds))
        if not all(map(math.isnan, values))
    ]


def _of_classes(ranking: Ranking) -> bool:
    return all(one is None or math.isnan(one.reference) for one in ranking.limits)


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else f"{value:{form}}"


def literature(study: str) -> tuple[PublishedValue, ...]:
    """The published values of a study file's text; none where it has none or cannot be read."""
    return listed(study, "published", pydantic.TypeAdapter(tuple[PublishedValue, ...]))
