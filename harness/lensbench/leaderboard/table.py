"""The table of a run: a row an entrant, a column a condition, every value with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from lensbench.errors import UsageError, nearest
from lensbench.leaderboard.board.manifest import TIERS
from lensbench.leaderboard.contenders import NAME, TABLE, with_notes
from lensbench.leaderboard.forms import text_table
from lensbench.leaderboard.seeds import over_seeds
from lensbench.leaderboard.selection import by_metric
from lensbench.leaderboard.tiers import with_tiers


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, with what it says about itself."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str

    def text(self, form: str = "terminal") -> str:
        """The table for a `terminal`, in `markdown` or in `latex`."""
        return text_table(self.header, self.rows, form, self.title, self.note)


GROUPS = (*TABLE, "labels")
"""Columns of which a table shows one value each."""


def study_tables(
    records: pl.DataFrame, metric: str = "", tiers: Mapping[str, str] | None = None
) -> list[Table]:
    """A table for each task, dataset, training condition and number of labels of a study.

    Values are means over seeds, with intervals that count scenes and seeds.

    Args:
        records: Of a study.
        metric: Its name; the primary one of each task where empty.
        tiers: That cells of a board have earned; where there are some, rows say their lowest.

    Raises:
        UsageError: Where no record has this metric.
    """
    chosen = by_metric(records.lazy(), metric).collect()
    if chosen.is_empty() and metric:
        raise _no_metric(records, metric)
    rows = over_seeds(chosen)
    rows = with_tiers(rows, chosen, tiers) if tiers else rows
    groups = rows.group_by(*GROUPS, "metric", maintain_order=True)
    return [run_table(frame, str(name[-1])) for name, frame in groups]


DIRECTIONS = {
    True: "higher is better",
    False: "lower is better",
    None: "neither higher nor lower is better",
}
"""What a table says of the direction of its metric."""

Limits = Mapping[tuple[str, str], float]
"""What no method can pass, by metric and test condition, in the metric's unit."""


def run_table(records: pl.DataFrame, metric: str = "", limits: Limits | None = None) -> Table:
    """The table of one task, dataset and budget, ranked by the in-distribution value.

    Args:
        records: Records of one run.
        metric: Its name; the primary one where empty.
        limits: Of errors; where one is known there is a row for it, and a column `efficiency`, the
            limit over the error reached under the training condition.

    Raises:
        UsageError: Where no record has this metric.
        ValueError: Where the records are of several tasks or budgets, or there are none.
    """
    shown = records.filter(pl.col("primary") if not metric else pl.col("metric") == metric)
    if metric and shown.is_empty():
        raise _no_metric(records, metric)
    for column in (*GROUPS, "metric"):
        values = shown[column].unique().to_list()
        if len(values) != 1:
            raise ValueError(f"a table shows one {column}, these records have {sorted(values)}")
    first = shown.row(0, named=True)
    up = first["higher_is_better"]
    home = first["train_condition"]
    others = [c for c in shown["test_condition"].unique(maintain_order=True) if c != home]
    entrants = [
        _Entrant(str(name[0]), frame, home, others, up)
        for name, frame in with_notes(shown).group_by(NAME, maintain_order=True)
    ]
    entrants.sort(key=lambda entrant: entrant.rank)
    unit = f" [{first['unit']}]" if first["unit"] else ""
    arrow = DIRECTIONS[up]
    tested = (
        first["test_dataset"] if first["test_dataset"] != first["dataset"] else "its test split"
    )
    labels = f", {first['labels']} labels" if first["labels"] else ""
    header = ["entrant", f"{home} (trained on)", *others, "worst", "gap", "n", "seconds"]
    rows = [entrant.cells() for entrant in entrants]
    if "tier" in shown.columns:
        header.append("trust")
        for entrant, row in zip(entrants, rows, strict=True):
            row.append(entrant.tier)
    known = {
        c: limits[first["metric"], c]
        for c in (home, *others)
        if limits and (first["metric"], c) in limits
    }
    if known:
        header.append("efficiency")
        for entrant, row in zip(entrants, rows, strict=True):
            row.append(entrant.efficiency(known.get(home)))
        values = [f"{known[c]:.4f}" if c in known else "–" for c in (home, *others)]
        blank = "–" * (len(header) - len(values) - 2)
        rows.append(["limit of information", *values, *blank, "1.00" if home in known else "–"])
    return Table(
        title=f"{first['task']} on {first['dataset']}, tested on {tested}, budget "
        f"{first['budget']}{labels}: {first['metric']}{unit}, {arrow}",
        header=header,
        rows=rows,
        note=_note(first, _seeds(shown)) + (_LIMIT_NOTE if known else ""),
    )


_LIMIT_NOTE = " Efficiency: the limit over the trained-on value."


def _no_metric(records: pl.DataFrame, metric: str) -> UsageError:
    known = records["metric"].unique()
    return UsageError(f"these records have no metric {metric!r}", nearest(metric, known))


def _seeds(shown: pl.DataFrame) -> str:
    """How many seeds are behind a row, fewest to most; empty where nowhere more than one."""
    counts = sorted(set(shown["fits"].drop_nulls())) if "fits" in shown.columns else []
    if not counts or counts[-1] == 1:
        return ""
    return str(counts[-1]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _note(first: dict[str, Any], seeds: str) -> str:
    over = f"test scenes and {seeds} seeds" if seeds else "bootstrap over test scenes"
    parts = [f"Values with their 95 % intervals ({over})."]
    if first["data_range"] is not None:
        parts.append(f"Data range {first['data_range']:g} µJy/arcsec².")
    if first["chance"] is not None:
        parts.append(f"Chance level {first['chance']:.3g}.")
    parts.append("Gap: trained-on value against the worst. Seconds: pretraining, fit, predictions.")
    return " ".join(parts)


class _Entrant:
    """One row: its values by condition, or why it has none."""

    def __init__(
        self, name: Any, frame: pl.DataFrame, home: str, others: Iterable[str], up: bool | None
    ) -> None:
        self.name = str(name)
        self.by_condition = {row["test_condition"]: row for row in frame.iter_rows(named=True)}
        self.home, self.others = home, list(others)
        self.done = {c: r for c, r in self.by_condition.items() if r["state"] == "done"}
        self.sign = {True: 1, False: -1, None: 0}[up]

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts by the in-distribution value, if it has a direction; those without come last."""
        row = self.done.get(self.home)
        return (0, -self.sign * row["value"]) if row else (1, 0.0)

    def cells(self) -> list[str]:
        """The row's text."""
        values = [self._cell(condition) for condition in (self.home, *self.others)]
        away = [row for condition, row in self.done.items() if condition != self.home]
        if not self.sign or not away or self.home not in self.done:
            worst, gap = "–", "–"
        else:
            row = min(away, key=lambda one: self.sign * one["value"])
            worst = row["test_condition"]
            gap = f"{self.done[self.home]['value'] - row['value']:+.{_digits(row)}f}"
        counts = {row["n"] for row in self.done.values()}
        n = "/".join(str(count) for count in sorted(counts)) or "–"
        return [self.name, *values, worst, gap, n, self._seconds()]

    @property
    def tier(self) -> str:
        """The lowest tier of what is behind the row."""
        earned = {row["tier"] for row in self.done.values()}
        return next((tier for tier in TIERS if tier in earned), "–")

    def efficiency(self, limit: float | None) -> str:
        """The limit of the error over the error reached under the training condition."""
        row = self.done.get(self.home)
        return f"{limit / row['value']:.2g}" if row and limit and row["value"] > 0 else "–"

    def _cell(self, condition: str) -> str:
        row = self.by_condition.get(condition)
        if row is None:
            return "absent"
        return value_text(row) if row["state"] == "done" else str(row["state"])

    def _seconds(self) -> str:
        rows = list(self.done.values())
        if not rows or rows[0]["seconds_fit"] is None:
            return "–"
        total = (rows[0]["seconds_pretraining"] or 0.0) + rows[0]["seconds_fit"]
        return f"{total + sum(row['seconds_predict'] or 0.0 for row in rows):.1f}"


def value_text(row: dict[str, Any]) -> str:
    """`value −lower +upper`, or `value ± half` where both sides round to the same.

    The value of one scene has no interval, and says so.
    """
    if row["low"] is None or row["high"] is None:
        return f"{row['value']:.3f} (no interval)"
    digits = _digits(row)
    below, above = row["value"] - row["low"], row["high"] - row["value"]
    value, low, high = (f"{x:.{digits}f}" for x in (row["value"], below, above))
    return f"{value} ± {low}" if low == high else f"{value} −{low} +{high}"


def _digits(row: dict[str, Any]) -> int:
    """Decimals that show the interval's width to two figures, between one and four."""
    if row["low"] is None or row["high"] is None:
        return 3
    width = row["high"] - row["low"]
    if not width > 0:
        return 3
    return min(4, max(1, 1 - math.floor(math.log10(width / 2))))
