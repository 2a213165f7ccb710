"""Scores by scene: which records they belong to, and whether they come to their values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.reading import read_table, reading

Row = tuple[str, str, str, str]
"""A row of results: its cell, test dataset, test condition and metric."""

_BY = ("cell", "test_dataset", "test_condition", "metric")
_COLUMNS = {*_BY, "per_scene", "scenes", "n", "values"}
_TOLERANCE = 1e-4
"""Of a mean of values that are kept in single precision."""


def scored_cells(path: Path, name: str) -> set[str]:
    """The cells that a file of scores by scene is of.

    Raises:
        DataError: Where it is no such file.
    """
    return set(_frame(path, name)["cell"])


def scores_of(path: Path, name: str) -> dict[Row, tuple[str, np.ndarray]]:
    """Digest of the scenes, and scores by scene, for each row of a file by its record.

    Raises:
        DataError: Where it is no such file.
    """
    frame = _frame(path, name)
    with reading(name, "scores"):
        return {
            row[:4]: (row[4], np.asarray(row[5], dtype=float))
            for row in frame.select(*_BY, "scenes", "values").iter_rows()
        }


def said_by(records: pl.DataFrame) -> dict[Row, tuple[float, int]]:
    """Value and n of each row of results, as its record says."""
    done = records.filter(pl.col("state") == "done")
    return {row[:4]: row[4:] for row in done.select(*_BY, "value", "n").iter_rows()}


def check_scores(path: Path, name: str, said: Mapping[Row, tuple[float, int]]) -> None:
    """Refuses scores by scene that belong to no record, or whose mean is not its value.

    Args:
        path: The file.
        name: What it is called in the board.
        said: Value and n of each row that there is (`said_by`).

    Raises:
        DataError: Naming the cell and the metric.
    """
    frame = _frame(path, name)
    with reading(name, "scores"):
        for row in frame.iter_rows(named=True):
            key = tuple(row[column] for column in _BY)
            if key not in said:
                raise DataError(f"{name} has scores of {shown(key[0])}, {shown(key[3])}: no record")
            _check_row(name, row, *said[key])


def _check_row(name: str, row: Mapping[str, Any], value: float, n: int) -> None:
    what = f"{name}: {shown(row['metric'])} of cell {row['cell']}"
    values = np.asarray(row["values"], dtype=float)
    if row["n"] != n or (row["per_scene"] and len(values) != n):
        raise DataError(f"{what} has n {row['n']} by scene, the record {n}")
    if row["per_scene"] and not np.isclose(values.mean(), value, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise DataError(f"{what} is {values.mean():.6g} by scene, the record says {value:.6g}")


def _frame(path: Path, name: str) -> pl.DataFrame:
    table = read_table(path, name)
    with reading(name, "scores"):
        if set(table.column_names) != _COLUMNS:
            raise DataError(f"{name} has other columns than {', '.join(sorted(_COLUMNS))}")
        frame = pl.DataFrame(pl.from_arrow(table))
        if frame.null_count().sum_horizontal().item():
            raise DataError(f"{name} has empty values")
        return frame
