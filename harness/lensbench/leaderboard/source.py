"""Where results are read from: a run in a store, a board's folder, or a file of records."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import DataError, StoreError, UsageError, nearest
from lensbench.files import read_document
from lensbench.leaderboard.board.by_scene import read_scores as read_member
from lensbench.leaderboard.board.layout import MANIFEST
from lensbench.leaderboard.board.limits import read_limits
from lensbench.leaderboard.board.manifest import read_manifest
from lensbench.leaderboard.board.shelf import Shelf
from lensbench.leaderboard.tiers import tiers_of
from lensbench.store import Store
from lensbench.store.records import COLUMNS, VERSION, columns_of, refuse_newer
from lensbench.store.scores import BY, read_scores
from lensbench.store.scores import COLUMNS as SCORES

_RECORDS, _SCORES, _STUDY = "records.parquet", "scores", "study.toml"


@dataclass(frozen=True)
class Source:
    """Results.

    Attributes:
        name: Key of the run, or path.
        records: Not read before they are asked for.
        score_paths: Files of scores by scene; none where only records are at hand.
        folder: Of the board, where it is one.
        study_path: Of the study file, where one may be.
    """

    name: str
    records: pl.LazyFrame
    score_paths: tuple[Path, ...] = ()
    folder: Path | None = None
    study_path: Path | None = None

    @property
    def study(self) -> str:
        """The study file's text; empty where there is none.

        Raises:
            DataError: Where it is no regular file, or too long.
        """
        if self.study_path is None or not self.study_path.is_file():
            return ""
        return read_document(self.study_path).decode("utf-8", errors="replace")

    @functools.cached_property
    def tiers(self) -> dict[str, str]:
        """The tier that each done cell of a board has earned; none where this is no board.

        Raises:
            DataError: Where the board's manifest cannot be read.
        """
        return tiers_of(self.folder, self.records.collect()) if self.folder else {}

    @functools.cached_property
    def limits(self) -> pl.DataFrame:
        """The limits of tasks that a board states; no rows where it states none.

        Raises:
            DataError: Where the file of them is damaged.
        """
        return read_limits(self.folder) if self.folder else pl.DataFrame()

    @property
    def scores(self) -> pl.DataFrame:
        """How scores vary over scenes; no rows where only records are at hand.

        Raises:
            DataError: Where a file of them is damaged.
        """
        schema: Any = dict(SCORES)
        if self.folder and (self.folder / MANIFEST).is_file():
            shelf = Shelf(self.folder, read_manifest(self.folder))
            frames = [read_member(member, name) for name, member in shelf.named("scores/")]
            if frames:
                return pl.concat([f.select(list(SCORES)).cast(schema) for f in frames]).sort(BY)
        try:
            return read_scores(self.score_paths).select(list(SCORES)).cast(schema)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _damaged(self.score_paths[0], error) from None


def open_source(where: str, store: Callable[[], Store]) -> Source:
    """Results by a path or the beginning of a run's key; the last run where it is empty.

    Args:
        where: Folder of a board, file of records, or key.
        store: Opens the store of runs; called only where one is meant.

    Raises:
        UsageError: Where there is no such thing.
        DataError: Where the file is no Parquet or lacks columns of records.
        StoreError: Where the run is damaged.
    """
    path, folder = Path(where), None
    if where and path.is_dir():
        folder = path
        path = path / _RECORDS
        if not path.is_file():
            raise UsageError(
                f"{where!r} is no board: it has no {_RECORDS}", "name a board's folder"
            )
    if where and path.is_file():
        study = path.parent / _STUDY if path.name == _RECORDS else None
        return Source(where, scan_records(path), tuple(_scores_beside(path.parent)), folder, study)
    if where and ("/" in where or path.suffix):
        raise UsageError(f"there is no file or folder {where!r}", "name a run, board or file")
    opened = store()
    run = find_run(opened, where)
    found = opened.find("runs", run)
    if found is None:
        raise StoreError(f"run {run} is damaged", "run its command again")
    study = Path(opened.root) / "sweeps" / run / _STUDY
    return Source(run, scan_records(found), tuple(_scores_of(opened, run)), study_path=study)


def find_run(store: Store, run: str) -> str:
    """The one run whose key begins so; the last one where nothing is said.

    Raises:
        UsageError: Where there is none, or more than one.
    """
    keys = store.keys("runs")
    if not keys:
        raise UsageError(f"the store {str(store.root)!r} has no run", "lensbench run makes one")
    if not run:
        return keys[-1]
    found = [key for key in keys if key.startswith(run)]
    if len(found) != 1:
        problem = "no" if not found else "more than one"
        raise UsageError(f"there is {problem} run {run!r}", nearest(run, keys))
    return found[0]


def scan_records(path: Path) -> pl.LazyFrame:
    """Records of a file, with the columns that records have and no other.

    Columns that the version before did not have are empty where they are not there.

    Raises:
        DataError: Where it is no Parquet, or lacks a column or has one of another type.
        StoreError: Where it is of a newer version.
    """
    try:
        scanned = pl.scan_parquet(path)
        schema = scanned.collect_schema()
        if schema.get("version") == COLUMNS["version"]:
            refuse_newer([path])
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from None
    before = columns_of(VERSION - 1)
    for name, kind in COLUMNS.items():
        if name not in schema and name not in before:
            scanned = scanned.with_columns(pl.lit(None, kind).alias(name))
            continue
        if name not in schema:
            raise DataError(f"{str(path)!r} has no column {name!r}", "is it a file of records?")
        if schema[name] != kind:
            raise DataError(
                f"column {name!r} of {str(path)!r} is {schema[name]}, expected {kind}",
                "is it a file of records of this version?",
            )
    return scanned.select(list(COLUMNS))


def _scores_beside(folder: Path) -> list[Path]:
    """Files of scores of a board: all in one, or a file a cell."""
    whole = folder / f"{_SCORES}.parquet"
    return [whole] if whole.is_file() else sorted((folder / _SCORES).glob("*.parquet"))


def _scores_of(store: Store, run: str) -> list[Path]:
    """Files of scores of a run's cells, as far as the store has them."""
    described = store.describe("runs", run) or {}
    keys = described["from"]["inputs"]["records"] if described else []
    stored = store.stored("scores")
    paths = (store.find("scores", key) for key in keys if key in stored)
    return [path for path in paths if path is not None]


def _damaged(path: Path, error: Exception) -> DataError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return DataError(f"{str(path)!r} cannot be read as Parquet: {reason}", "is it damaged?")
