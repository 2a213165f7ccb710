"""Rows beneath the entrants of a ranking: how well any method could do."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensbench.leaderboard.standings import Ranking

REFERENCE, BOUND, INFORMATION = "local reference", "van Trees bound", "limit of information"

_ERRORS = (
    "Efficiency: the local reference over the trained-on value; no method can beat the van Trees "
    "bound, which like the reference is of scenes without substructure."
)
_CLASSES = (
    "Limit of information: an upper bound, the score of an observer who knows the substructure "
    "of every scene and fits the smooth lens."
)


@dataclass(frozen=True)
class LimitRow:
    """One row.

    Attributes:
        name: What it is.
        values: As text, under each condition of the ranking.
        efficiency: Of a method that reaches it, as text.
    """

    name: str
    values: tuple[str, ...]
    efficiency: str


def limit_rows(ranking: Ranking) -> list[LimitRow]:
    """The rows of a ranking; none where no limit is known."""
    if not any(ranking.limits):
        return []
    bounds = [math.nan if one is None else one.bound for one in ranking.limits]
    if _of_classes(ranking):
        return [LimitRow(INFORMATION, tuple(_number(one, ".3f") for one in bounds), "–")]
    references = [math.nan if one is None else one.reference for one in ranking.limits]
    return [
        LimitRow(
            name,
            tuple(_number(one, ".4f") for one in values),
            _number(references[0] / values[0], ".2f"),
        )
        for name, values in ((REFERENCE, references), (BOUND, bounds))
    ]


def limit_note(ranking: Ranking) -> str:
    """What the rows mean; empty where there are none."""
    if not any(ranking.limits):
        return ""
    return _CLASSES if _of_classes(ranking) else _ERRORS


def _of_classes(ranking: Ranking) -> bool:
    return all(one is None or math.isnan(one.reference) for one in ranking.limits)


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else f"{value:{form}}"
