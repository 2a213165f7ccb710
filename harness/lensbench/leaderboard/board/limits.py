"""What a board says of the limits of its tasks: how well any method could do on its images."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.board.documents import StudyDocument
from lensbench.leaderboard.board.layout import LIMITS, STUDY, shown
from lensbench.leaderboard.board.reading import read_table, reading
from lensbench.leaderboard.board.texts import check_text
from lensbench.leaderboard.standings import Limit, Limits, Row

PLACE = ("task", "test_dataset", "metric", "test_condition")
"""Columns that say what a limit is of."""

_VALUES = ("reference", "bound")
_SHARE = r"(^|_)(auroc|auc|accuracy)(_|$)"
"""Metrics that are never below zero or above one."""

_SCHEMA = pl.Schema(dict.fromkeys(PLACE, pl.String) | dict.fromkeys(_VALUES, pl.Float64))


def limits_frame(records: pl.DataFrame, find: Callable[[Row], Limits]) -> pl.DataFrame:
    """The limits that are known of the tables of some records: a row for each, null where none.

    Args:
        records: Of a board.
        find: Gives the limits of the table that a record is in.
    """
    tables = records.unique(["task", "test_dataset"], maintain_order=True)
    rows = [
        (first["task"], first["test_dataset"], metric, condition, *map(_or_null, limit))
        for first in tables.iter_rows(named=True)
        for (metric, condition), limit in find(first).items()
    ]
    return pl.DataFrame(rows, _SCHEMA, orient="row").unique(PLACE).sort(PLACE)


def limit_finder(limits: pl.DataFrame) -> Callable[[Row], Limits]:
    """A function from the first row of a table to its limits, from those of a board."""
    tables = limits.partition_by("task", "test_dataset", as_dict=True)

    def find(first: Row) -> Limits:
        frame = tables.get((first["task"], first["test_dataset"]))
        return (
            {}
            if frame is None
            else {
                (row["metric"], row["test_condition"]): Limit(
                    *(_or_nan(row[name]) for name in _VALUES)
                )
                for row in frame.iter_rows(named=True)
            }
        )

    return find


def read_limits(folder: Path) -> pl.DataFrame:
    """The limits of a board; no rows where it has none.

    Raises:
        DataError: Where the file is none of limits.
    """
    path = folder / LIMITS
    if not path.exists():
        return pl.DataFrame(schema=_SCHEMA)
    table = read_table(path, LIMITS)
    with reading(LIMITS, "limits"):
        frame = pl.DataFrame(pl.from_arrow(table))
    if dict(frame.schema) != dict(_SCHEMA):
        raise DataError(f"{LIMITS} has other columns than {', '.join(_SCHEMA)}")
    if frame.select(PLACE).null_count().sum_horizontal().item():
        raise DataError(f"{LIMITS} has a row that is of no task, dataset, metric or condition")
    if len(frame.unique(PLACE)) < len(frame):
        raise DataError(f"{LIMITS} has two limits of one metric under one condition")
    for name in PLACE:
        for text in frame[name].unique():
            check_text(f"{LIMITS}: {name}", text)
    for name in _VALUES:
        wrong = frame[name].drop_nulls().filter(~frame[name].drop_nulls().is_between(0, 1e9))
        if len(wrong):
            raise DataError(f"{LIMITS} has {name} {shown(wrong[0])}, which is none")
    shares = frame.filter(pl.col("metric").str.contains(_SHARE) & (pl.col("bound") > 1))
    if len(shares):
        metric, bound = shares.select("metric", "bound").row(0)
        raise DataError(f"{LIMITS} has a limit of {shown(metric)} of {bound}, above 1")
    return frame


def of_records(limits: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """The limits of metrics and conditions that some record is of."""
    return limits.join(records.select(PLACE).unique(), on=PLACE, how="semi")


def check_limits(limits: pl.DataFrame, records: pl.DataFrame) -> None:
    """Refuses limits of a metric, task, dataset or condition that no record is of.

    Raises:
        DataError: Naming the first.
    """
    odd = limits.join(records.select(PLACE).unique(), on=PLACE, how="anti")
    if len(odd):
        raise DataError(
            f"{LIMITS} has a limit of {shown(' '.join(odd.select(PLACE).row(0)))}, "
            "which no record is of"
        )


def check_published(study: StudyDocument) -> None:
    """Refuses a published AUROC or accuracy that is not between zero and one.

    Raises:
        DataError: Naming the value.
    """
    for one in study.published:
        value = one.get("value")
        if re.search(_SHARE, str(one.get("metric"))) and not (
            isinstance(value, int | float) and 0 <= value <= 1
        ):
            raise DataError(f"{STUDY} has a published {shown(one['metric'])} of {shown(value)}")


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
