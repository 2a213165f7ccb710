"""How each score varies over the test scenes: what pairs entrants without asking them again."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

COLUMNS: Mapping[str, Any] = {
    "cell": pl.String,
    "test_dataset": pl.String,
    "test_condition": pl.String,
    "metric": pl.String,
    "per_scene": pl.Boolean,
    "scenes": pl.String,
    "n": pl.Int64,
    "values": pl.List(pl.Float32),
}
"""Name and type of every column; what each means stands in `docs/reference/scores.md`."""

BY = ("cell", "test_dataset", "test_condition", "metric")
"""Columns that say to which record a row belongs."""


def scores_frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows as a frame; each has all columns.

    Raises:
        KeyError: Where a row lacks a column.
    """
    complete = [{name: row[name] for name in COLUMNS} for row in rows]
    return pl.DataFrame(complete, schema=dict(COLUMNS))


def read_scores(paths: Iterable[Path]) -> pl.DataFrame:
    """Scores of several files in one frame, in the order of their columns `BY`."""
    frames = [pl.read_parquet(path) for path in paths]
    return pl.concat(frames).sort(BY) if frames else pl.DataFrame(schema=dict(COLUMNS))


def values_of(frame: pl.DataFrame) -> list[np.ndarray]:
    """The column `values` as arrays (n,), one a row: parts of one array, so nothing is copied."""
    chunk = frame["values"].rechunk().to_arrow()
    flat = chunk.values.to_numpy(zero_copy_only=False)
    ends = chunk.offsets.to_numpy()
    return [flat[start:end] for start, end in itertools.pairwise(ends)]


def scenes_digest(ids: Sequence[str]) -> str:
    """A hash of scene ids in their order: what has the same was scored on the same scenes."""
    return hashlib.sha256("\0".join(ids).encode()).hexdigest()[:20]
