"""Scores by scene: which records they belong to, and whether they agree with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.reading import Source, read_table, reading
from lensbench.leaderboard.board.tables import ROUNDED
from lensbench.sky.seeds import seed_of
from lensbench.stats.intervals import (
    Interval,
    area_interval,
    mean_interval,
    percentile_interval,
    positive_mean_interval,
    proportion_interval,
)
from lensbench.store.scores import values_of

Row = tuple[str, str, str, str]
"""A row of results: its cell, test dataset, test condition and metric."""

_BY = ("cell", "test_dataset", "test_condition", "metric")
_COLUMNS = {*_BY, "per_scene", "scenes", "n", "values"}
_OF_WIDTH, _OF_VALUE = 1e-3, 1e-5
"""Largest difference between a stated number and that from scores in single precision: relative to
the width of its interval, and to itself."""
_ROUNDING = 2.0 ** -(ROUNDED + 1)
"""Largest error of a value by scene that a board keeps, relative to that value. A mean near zero of
values far from zero may be off by more than `_OF_VALUE` of itself."""
_FORMULA = 0.5, 5.0
"""Smallest and largest width of an interval by a formula, in units of that by resamples."""


def scored_cells(path: Source, name: str) -> set[str]:
    """The cells that a file of scores by scene is of.

    Raises:
        DataError: Where it is no such file.
    """
    return set(read_scores(path, name)["cell"])


def scores_of(path: Source, name: str) -> dict[Row, tuple[str, np.ndarray]]:
    """Digest of the scenes, and scores by scene, for each row of a file by its record.

    Raises:
        DataError: Where it is no such file.
    """
    frame = read_scores(path, name)
    with reading(name, "scores"):
        rows = frame.select(*_BY, "scenes").iter_rows()
        return {
            row[:4]: (row[4], values.astype(float))
            for row, values in zip(rows, values_of(frame), strict=True)
        }


class PublishedScore(NamedTuple):
    """A score as a record states it."""

    value: float
    low: float | None
    high: float | None
    n: int


def published_scores(records: pl.DataFrame) -> dict[Row, PublishedScore]:
    """Value, interval and n of each row of results."""
    done = records.filter(pl.col("state") == "done").select(*_BY, *PublishedScore._fields)
    return {row[:4]: PublishedScore(*row[4:]) for row in done.iter_rows()}


def check_scores(
    path: Source, name: str, published: Mapping[Row, PublishedScore], resamples: int
) -> None:
    """Refuses scores by scene that belong to no record, or that disagree with it.

    Args:
        path: The file.
        name: Its name in the board.
        published: Scores in the records (`published_scores`).
        resamples: Number of resamples of the budget.

    Raises:
        DataError: Naming the cell and the metric.
    """
    frame = read_scores(path, name)
    with reading(name, "scores"):
        rows = frame.drop("values").iter_rows(named=True)
        for row, values in zip(rows, values_of(frame), strict=True):
            key = tuple(row[column] for column in _BY)
            if key not in published:
                raise DataError(f"{name} has scores of {shown(key[0])}, {shown(key[3])}: no record")
            _check_row(name, row, values.astype(float), published[key], resamples)


def _check_row(
    name: str, row: Mapping[str, Any], values: np.ndarray, record: PublishedScore, resamples: int
) -> None:
    what = f"{name}: {shown(row['metric'])} of cell {row['cell']}"
    if row["n"] != record.n or (row["per_scene"] and len(values) != record.n):
        raise DataError(f"{what} has n {row['n']} by scene, the record {record.n}")
    if not row["per_scene"] and not len(values):
        return  # the interval has a formula of its own, or there is none
    intervals = _intervals(row, values, record, resamples)
    rounding = _ROUNDING * float(np.abs(values).mean()) if row["per_scene"] else 0.0
    if not _near(intervals[0].value, record.value, record, rounding):
        raise DataError(
            f"{what} is {intervals[0].value:.6g} by scene, the record says {record.value:.6g}"
        )
    if record.low is None and record.high is None:  # the metric's interval would not hold
        return
    by_formula = not row["per_scene"] and _like(intervals[0], record)
    if not by_formula and not any(_agrees(found, record) for found in intervals):
        raise DataError(
            f"{what} has the interval from {intervals[0].low:.6g} to {intervals[0].high:.6g} by "
            f"scene, the record says from {record.low} to {record.high}"
        )


def _intervals(
    row: Mapping[str, Any], values: np.ndarray, record: PublishedScore, resamples: int
) -> list[Interval]:
    """The intervals that a metric may have with these scores; a record must state one of them.

    Raises:
        ValueError: Where there is no value.
    """
    if not row["per_scene"]:
        return [
            percentile_interval(record.value, values, record.n),
            area_interval(record.value, values, record.n),
        ]
    found = [mean_interval(values, resamples, seed_of("bootstrap", row["metric"]))]
    if np.isin(values, (0.0, 1.0)).all():
        found.append(proportion_interval(values.astype(bool)))
    if values.min() >= 0:
        found.append(positive_mean_interval(values))
    return found


def _agrees(found: Interval, record: PublishedScore) -> bool:
    return _near(found.low, record.low, record) and _near(found.high, record.high, record)


def _like(found: Interval, record: PublishedScore) -> bool:
    """Whether a stated interval is about as wide on either side as that of the resamples.

    Some metrics have a formula for their interval, which resamples do not reproduce. The stated
    interval may be between half and five times as wide as theirs.
    """
    if record.low is None or record.high is None:
        return False
    stated = record.value - record.low, record.high - record.value
    resampled = found.value - found.low, found.high - found.value
    narrowest, widest = _FORMULA
    return all(
        narrowest * there <= here <= widest * there
        for here, there in zip(stated, resampled, strict=True)
    )


def _near(
    found: float, stated: float | None, record: PublishedScore, rounding: float = 0.0
) -> bool:
    if stated is None:
        return math.isnan(found)
    width = 0.0 if record.low is None or record.high is None else record.high - record.low
    return (
        abs(found - stated) <= _OF_WIDTH * width + _OF_VALUE * abs(record.value) + rounding + 1e-12
    )


def read_scores(path: Source, name: str) -> pl.DataFrame:
    """A file of scores by scene.

    Raises:
        DataError: Where it is no such file.
    """
    table = read_table(path, name)
    with reading(name, "scores"):
        if set(table.column_names) != _COLUMNS:
            raise DataError(f"{name} has other columns than {', '.join(sorted(_COLUMNS))}")
        frame = pl.DataFrame(pl.from_arrow(table))
        if frame.null_count().sum_horizontal().item():
            raise DataError(f"{name} has empty values")
        frame["values"].list.len()  # raises where it is no column of lists
        return frame
