"""The table of a run: a row an entrant, a column a condition, every value with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl
from tabulate import tabulate

from lensbench.errors import UsageError, nearest

FORMATS = {"terminal": "simple", "markdown": "github", "latex": "latex_booktabs"}
"""Ways to print a table, and what tabulate calls them."""


@dataclass(frozen=True)
class Table:
    """Rows of text under a header, with what it says about itself."""

    title: str
    header: list[str]
    rows: list[list[str]]
    note: str

    def text(self, form: str = "terminal") -> str:
        """The table in one of `FORMATS`."""
        alignment = ["left", *["right"] * (len(self.header) - 1)]
        body = tabulate(
            self.rows, self.header, FORMATS[form], colalign=alignment, disable_numparse=True
        )
        return f"{self.title}\n\n{body}\n\n{self.note}"


GROUPS = ("task", "dataset", "test_dataset", "train_condition", "labels", "budget")
"""Columns of which a table shows one value each."""

ROW = ("entrant", "target_view")
"""Columns that tell rows apart: what adapts to one condition and to another is two entrants."""


def study_tables(records: pl.DataFrame, metric: str = "") -> list[Table]:
    """A table for each task, dataset, training condition and number of labels of a study.

    Values are means over seeds.
    """
    groups = records.group_by(GROUPS, maintain_order=True)
    return [run_table(over_seeds(frame), metric) for _, frame in groups]


def over_seeds(records: pl.DataFrame) -> pl.DataFrame:
    """One row for all seeds of an entrant under a condition, by a metric.

    The value is the mean over seeds. To either side of it the interval holds the scenes' share (the
    mean over seeds, for these see the same scenes) and twice the standard error of the seeds, added
    in quadrature. A row in which any seed failed is failed.
    """
    by = ["entrant", "test_condition", "metric"]
    if not records.select(by).is_duplicated().any():
        return records
    error = pl.col("value").std().fill_null(0.0) / pl.len().sqrt() * 2
    below = ((pl.col("value") - pl.col("low")).mean() ** 2 + error**2).sqrt()
    above = ((pl.col("high") - pl.col("value")).mean() ** 2 + error**2).sqrt()
    mean = pl.col("value").mean()
    other = [c for c in records.columns if c not in {*by, "value", "low", "high", "state"}]
    numbers = [c for c in other if c.startswith(("seconds", "memory", "joules"))]
    combined = records.group_by(by, maintain_order=True).agg(
        mean.alias("value"), (mean - below).alias("low"), (mean + above).alias("high"),
        pl.col("state").sort_by(pl.col("state") == "done").first(),
        *(pl.col(c).mean() if c in numbers else pl.col(c).drop_nulls().first() for c in other),
    )  # fmt: skip
    unscored = pl.col("state") != "done"
    blank = [
        pl.when(unscored).then(None).otherwise(pl.col(c)).alias(c) for c in ("value", "low", "high")
    ]
    return combined.with_columns(blank).select(records.columns)


def run_table(records: pl.DataFrame, metric: str = "") -> Table:
    """The table of one task, dataset and budget, ranked by the in-distribution value.

    Args:
        records: Records of one run.
        metric: Its name; the primary one where empty.

    Raises:
        UsageError: Where no record has this metric.
        ValueError: Where the records are of several tasks or budgets, or there are none.
    """
    shown = records.filter(pl.col("primary") if not metric else pl.col("metric") == metric)
    if metric and shown.is_empty():
        raise UsageError(
            f"these records have no metric {metric!r}", nearest(metric, records["metric"].unique())
        )
    for column in (*GROUPS, "metric"):
        values = shown[column].unique().to_list()
        if len(values) != 1:
            raise ValueError(f"a table shows one {column}, these records have {sorted(values)}")
    first = shown.row(0, named=True)
    up = bool(first["higher_is_better"])
    home = first["train_condition"]
    others = [c for c in shown["test_condition"].unique(maintain_order=True) if c != home]
    entrants = [
        _Entrant(", adapted to ".join(filter(None, name)), frame, home, others, up)
        for name, frame in shown.group_by(ROW, maintain_order=True)
    ]
    entrants.sort(key=lambda entrant: entrant.rank)
    unit = f" [{first['unit']}]" if first["unit"] else ""
    arrow = "higher is better" if up else "lower is better"
    tested = (
        first["test_dataset"] if first["test_dataset"] != first["dataset"] else "its test split"
    )
    labels = f", {first['labels']} labels" if first["labels"] else ""
    return Table(
        title=f"{first['task']} on {first['dataset']}, tested on {tested}, budget "
        f"{first['budget']}{labels}: {first['metric']}{unit}, {arrow}",
        header=["entrant", f"{home} (trained on)", *others, "worst", "gap", "n", "seconds"],
        rows=[entrant.cells() for entrant in entrants],
        note=_note(first),
    )


def _note(first: dict[str, Any]) -> str:
    parts = ["Values with their 95 % intervals (bootstrap over test scenes)."]
    if first["data_range"] is not None:
        parts.append(f"Data range {first['data_range']:g} µJy/arcsec².")
    if first["chance"] is not None:
        parts.append(f"Chance level {first['chance']:.3g}.")
    parts.append("Gap: trained-on value against the worst. Seconds: pretraining, fit, predictions.")
    return " ".join(parts)


class _Entrant:
    """One row: its values by condition, or why it has none."""

    def __init__(
        self, name: Any, frame: pl.DataFrame, home: str, others: Iterable[str], up: bool
    ) -> None:
        self.name = str(name)
        self.by_condition = {row["test_condition"]: row for row in frame.iter_rows(named=True)}
        self.home, self.others = home, list(others)
        self.done = {c: r for c, r in self.by_condition.items() if r["state"] == "done"}
        self.sign = 1 if up else -1

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts by the in-distribution value; those without one come last."""
        row = self.done.get(self.home)
        return (0, -self.sign * row["value"]) if row else (1, 0.0)

    def cells(self) -> list[str]:
        """The row's text."""
        values = [self._cell(condition) for condition in (self.home, *self.others)]
        away = [row for condition, row in self.done.items() if condition != self.home]
        if not away or self.home not in self.done:
            worst, gap = "–", "–"
        else:
            row = min(away, key=lambda one: self.sign * one["value"])
            worst = row["test_condition"]
            gap = f"{self.done[self.home]['value'] - row['value']:+.{_digits(row)}f}"
        counts = {row["n"] for row in self.done.values()}
        n = "/".join(str(count) for count in sorted(counts)) or "–"
        return [self.name, *values, worst, gap, n, self._seconds()]

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
    """`value −lower +upper`, or `value ± half` where both sides round to the same."""
    digits = _digits(row)
    below, above = row["value"] - row["low"], row["high"] - row["value"]
    value, low, high = (f"{x:.{digits}f}" for x in (row["value"], below, above))
    return f"{value} ± {low}" if low == high else f"{value} −{low} +{high}"


def _digits(row: dict[str, Any]) -> int:
    """Decimals that show the interval's width to two figures, between one and four."""
    width = row["high"] - row["low"]
    if not width > 0:
        return 3
    return min(4, max(1, 1 - math.floor(math.log10(width / 2))))
