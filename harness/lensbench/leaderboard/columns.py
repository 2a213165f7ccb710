"""Columns of a ranking beside those of the conditions: each defined here once, for all tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lensbench.leaderboard.board.manifest import TIERS
from lensbench.leaderboard.standings import Row, Standing

Value = float | int | str | None

NOT_CONVERGED = "not converged"
"""Of a row of which a fit reached the largest number of steps before it converged."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        label: Its heading.
        meaning: What it shows, in a sentence.
        value: What it is sorted by; `None` comes last.
        text: What it shows of an entrant that has a value.
        descending: Whether the first sort has the largest value at the top; `None` where that is
            the direction of the metric.
        only_page: Whether tables of text leave it out, for want of room.
    """

    label: str
    meaning: str
    value: Callable[[Standing], Value]
    text: Callable[[Standing], str]
    descending: bool | None = False
    only_page: bool = False

    def shown(self, standing: Standing) -> str:
        """Text of a cell."""
        return "–" if self.value(standing) is None else self.text(standing)


def _of(name: str) -> Callable[[Standing], Any]:
    def value(standing: Standing) -> Any:
        row = next(standing.scored, None)
        return None if row is None else row.get(name)

    return value


def _scenes(standing: Standing) -> str:
    return "/".join(str(n) for n in sorted({row["n"] for row in standing.scored}))


def _gap(standing: Standing) -> str:
    return f"{standing.gap:+.{digits(standing.worst or {})}f}"


def _ending(standing: Standing) -> Value:
    """Whether all fits of a row converged (1), where the budget asks that of them."""
    endings = {row.get("stopped_fit") for row in standing.scored} & {"limit", "converged"}
    return int("limit" not in endings) if endings else None


COLUMNS = (
    Column(
        "worst",
        "The worst condition other than the training condition.",
        lambda one: one.worst["value"] if one.worst else None,
        lambda one: str(one.worst["test_condition"]) if one.worst else "–",
        descending=None,
    ),
    Column(
        "gap", "Training condition minus worst.", lambda one: one.gap if one.home else None, _gap
    ),
    Column("n", "Test scenes.", _of("n"), _scenes, descending=True),
    Column(
        "seeds",
        "Number of seeds of a value.",
        _of("fits"),
        lambda one: str(_of("fits")(one)),
        descending=True,
        only_page=True,
    ),
    Column(
        "seconds",
        "Seconds of pretraining, fit and predictions; do not compare machines by them.",
        lambda one: one.seconds,
        lambda one: f"{one.seconds:.1f}",
    ),
    Column(
        "parameters",
        "Trainable parameters.",
        _of("parameters"),
        lambda one: f"{_of('parameters')(one):,}".replace(",", "\u202f"),
        only_page=True,
    ),
    Column(
        "training",
        "Whether the fits of a network converged, or reached the largest number of steps first.",
        _ending,
        lambda one: "converged" if _ending(one) else NOT_CONVERGED,
        descending=True,
    ),
    Column(
        "trust",
        "The lowest tier of any value of the row.",
        lambda one: TIERS.index(one.tier) if one.tier else None,
        lambda one: one.tier,
        descending=True,
    ),
    Column(
        "efficiency",
        "Local reference of the error over the error under the training condition.",
        lambda one: one.efficiency,
        lambda one: f"{one.efficiency:.2g}",
        descending=True,
    ),
)

_ALWAYS = {"worst", "gap", "n", "seconds"}


def columns_of(standings: Sequence[Standing]) -> list[Column]:
    """Columns that a ranking shows: some stand only where an entrant has a value."""
    return [
        column
        for column in COLUMNS
        if column.label in _ALWAYS or any(column.value(one) is not None for one in standings)
    ]


def value_text(row: Row) -> str:
    """`value −lower +upper`, or `value ± half` where both sides round to the same.

    The value of one scene has no interval, and says so.
    """
    if row["low"] is None or row["high"] is None:
        return f"{row['value']:.3f} (no interval)"
    decimals = digits(row)
    below, above = row["value"] - row["low"], row["high"] - row["value"]
    value, low, high = (f"{x:.{decimals}f}" for x in (row["value"], below, above))
    return f"{value} ± {low}" if low == high else f"{value} −{low} +{high}"


def digits(row: Row) -> int:
    """Decimals that show the interval's width to two figures, between one and four."""
    if row.get("low") is None or row.get("high") is None:
        return 3
    width = row["high"] - row["low"]
    if not width > 0:
        return 3
    return min(4, max(1, 1 - math.floor(math.log10(width / 2))))
