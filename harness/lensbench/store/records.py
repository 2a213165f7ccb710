"""Records: one number each, in Parquet, with a fixed set of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from lensbench.errors import StoreError

VERSION = 4
RESULTS: Mapping[str, Any] = {
    "version": pl.Int32,
    "cell": pl.String,
    "state": pl.String,
    "error": pl.String,
    "entrant": pl.String,
    "encoder": pl.String,
    "pretraining": pl.String,
    "transfer": pl.String,
    "baseline": pl.String,
    "task": pl.String,
    "dataset": pl.String,
    "test_dataset": pl.String,
    "train_condition": pl.String,
    "test_condition": pl.String,
    "pretraining_views": pl.String,
    "target_view": pl.String,
    "budget": pl.String,
    "labels": pl.Int64,
    "seed_draw": pl.Int64,
    "seed_pretraining": pl.Int64,
    "seed_fit": pl.Int64,
    "metric": pl.String,
    "unit": pl.String,
    "higher_is_better": pl.Boolean,
    "primary": pl.Boolean,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "chance": pl.Float64,
    "data_range": pl.Float64,
    "device": pl.String,
    "threads": pl.Int64,
    "processes": pl.Int64,
    "torch": pl.String,
    "python": pl.String,
    "system": pl.String,
    "lensbench": pl.String,
    "plugins": pl.String,
    "code": pl.String,
    "predictions": pl.String,
    "images": pl.String,
    "truth": pl.String,
    "steps_fit": pl.Int64,
    "images_fit": pl.Int64,
    "epochs_fit": pl.Float64,
    "stopped_fit": pl.String,
    "curve_fit": pl.String,
}
"""Columns that a repetition gives again, bit for bit, on the same machine."""

COSTS: Mapping[str, Any] = {
    "seconds_pretraining": pl.Float64,
    "warmup_pretraining": pl.Float64,
    "seconds_fit": pl.Float64,
    "warmup_fit": pl.Float64,
    "seconds_predict": pl.Float64,
    "memory_pretraining": pl.Float64,
    "memory_fit": pl.Float64,
    "memory_predict": pl.Float64,
    "joules_pretraining": pl.Float64,
    "joules_fit": pl.Float64,
    "joules_predict": pl.Float64,
    "parameters": pl.Int64,
    "flops": pl.Float64,
    "device_name": pl.String,
    "git": pl.String,
}
"""Columns of what it cost and on what, which differ from run to run."""

COLUMNS: Mapping[str, Any] = {**RESULTS, **COSTS}
"""Name and type of every column; what each means stands in `docs/reference/records.md`."""

_SINCE_4 = {"steps_fit", "images_fit", "epochs_fit", "stopped_fit", "curve_fit"}


def columns_of(version: int) -> Mapping[str, Any]:
    """Name and type of every column of records of a version, 3 or 4."""
    return {name: kind for name, kind in COLUMNS.items() if version > 3 or name not in _SINCE_4}


ORDER = (
    "task",
    "dataset",
    "test_dataset",
    "train_condition",
    "test_condition",
    "entrant",
    "pretraining_views",
    "target_view",
    "labels",
    "seed_draw",
    "seed_pretraining",
    "seed_fit",
    "metric",
    "cell",
    "state",
)
"""By these columns records are sorted, so that the same records are the same file."""


def records_frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Records as a frame with all columns; a row may leave columns out.

    Raises:
        KeyError: Where a row has a column that records do not have.
    """
    complete = []
    for row in rows:
        unknown = set(row) - set(COLUMNS)
        if unknown:
            raise KeyError(f"records have no column {sorted(unknown)}")
        complete.append({name: row.get(name) for name in COLUMNS} | {"version": VERSION})
    return pl.DataFrame(complete, schema=dict(COLUMNS))


def views_text(views: Iterable[tuple[str, str]]) -> str:
    """What a column of views holds: `DATASET CONDITION`, with ` | ` between views.

    Columns by which records are sorted and grouped, and which go into CSV files, are plain text. In
    datasets `|`, and in conditions `|` and the space, are written as in URLs, so that the text can
    be read back by `views_of`. So is `%` in both.

    Args:
        views: Dataset and condition of each.
    """
    return " | ".join(
        f"{_escaped(dataset, '%|')} {_escaped(condition, '%| ')}" for dataset, condition in views
    )


def views_of(text: str | None) -> list[tuple[str, str]]:
    """Dataset and condition of each view in a column of views: the inverse of `views_text`."""
    pairs = [view.rpartition(" ") for view in (text or "").split(" | ") if view]
    return [(unquote(dataset), unquote(condition)) for dataset, _, condition in pairs]


def _escaped(text: str, characters: str) -> str:
    """A text with these characters, the percent sign first, as percent-encoded."""
    for character in characters:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def sides_of(text: str | None) -> tuple[list[str], list[str]]:
    """Datasets and conditions in a column of views, each once and in order."""
    views = views_of(text)
    datasets, conditions = (list(dict.fromkeys(view[side] for view in views)) for side in (0, 1))
    return datasets, conditions


def sort_records(records: pl.DataFrame) -> pl.DataFrame:
    """Records in their one order."""
    return records.sort(ORDER, nulls_last=True)


def read_records(paths: Iterable[Path]) -> pl.DataFrame:
    """Records of several files in one frame; columns that an older version lacks are empty.

    Raises:
        StoreError: Where a file is of a newer version.
    """
    files = list(paths)
    if not files:
        return pl.DataFrame(schema=dict(COLUMNS))
    try:
        found = pl.read_parquet(files, schema=dict(COLUMNS), missing_columns="insert", glob=False)
    except (pl.exceptions.SchemaError, pl.exceptions.ColumnNotFoundError):
        refuse_newer(files)  # they have other columns
        raise
    if (found["version"] > VERSION).any():
        refuse_newer(files)
    return found


def refuse_newer(files: Iterable[Path]) -> None:
    """Refuses files of records of a newer version, whatever their columns are.

    Raises:
        StoreError: Naming both versions.
    """
    for path in files:
        newest = pl.read_parquet(path, columns=["version"], glob=False)["version"].max()
        if isinstance(newest, int) and newest > VERSION:
            raise StoreError(
                f"records in {str(path.parent)!r} have version {newest}, this lensbench knows "
                f"{VERSION}",
                "update lensbench",
            )
