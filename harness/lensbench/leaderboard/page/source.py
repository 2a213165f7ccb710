"""What a page is made from: a run of a store, a published board, or a file of records."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import DataError, UsageError
from lensbench.leaderboard.gallery import find_run
from lensbench.store import Store, open_store
from lensbench.store.records import COLUMNS, sort_records

Find = Callable[[str, str], Path | None]
"""The file of an artefact of a kind and key, or none."""


@dataclass(frozen=True)
class Source:
    """Records, and where their predictions and images are.

    Attributes:
        name: Of the board, or key of the run.
        records: All of them.
        find: Gives files of `predictions`, `images` and `skies`; none where they are not at hand.
        study: The study file's text, empty where it is not known.
        trust: What a board says of itself: tier, licence, citation; empty for a run.
    """

    name: str
    records: pl.DataFrame
    find: Find = lambda kind, key: None
    study: str = ""
    trust: dict[str, Any] = field(default_factory=dict)


def open_source(where: str, store: str) -> Source:
    """Finds what is to be shown.

    Args:
        where: A board's folder, a Parquet file of records, or the beginning of a run's key; the
            store's last run where empty.
        store: Folder or URL of the store that runs are looked for in, which must exist.

    Raises:
        UsageError: Where there is no such thing.
        DataError: Where it cannot be read as records.
    """
    path = Path(where) if where else None
    if path is not None and path.is_file():
        return Source(path.stem, check_records(path))
    if path is not None and (path / "records.parquet").is_file():
        return _open_board(path)
    if path is not None and (path.is_dir() or path.suffix == ".parquet"):
        raise UsageError(f"{where!r} has no records.parquet", "name a board, a run or a file")
    if "://" not in store and not (Path(store) / "store.json").is_file():
        raise UsageError(f"there is no store in {store!r}", "name one with --store")
    opened = open_store(store)
    return _open_run(opened, find_run(opened, where))


def _open_run(store: Store, key: str) -> Source:
    path = store.find("runs", key)
    if path is None:
        raise DataError(f"run {key} is damaged", "run its command again")
    try:
        study = (store.root / "sweeps" / key / "study.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        study = ""
    return Source(f"run {key[:12]}", check_records(path), store.find, study)


def _open_board(folder: Path) -> Source:
    def find(kind: str, key: str) -> Path | None:
        if not key.isalnum():
            return None
        return next((folder / kind).glob(f"{key}.*"), None)

    try:
        study = (folder / "study.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        study = ""
    records = check_records(folder / "records.parquet")
    return Source(folder.resolve().name, records, find, study, _trust(folder))


def _trust(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / "board.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def check_records(path: Path) -> pl.DataFrame:
    """Records of a Parquet file, with the columns and types that records have, sorted.

    Raises:
        DataError: Where it is no Parquet file, lacks a column or has one of another type.
    """
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise DataError(f"{str(path)!r} cannot be read as Parquet: {first}") from None
    lacking = [name for name in COLUMNS if name not in frame.columns]
    if lacking:
        raise DataError(
            f"{str(path)!r} has no column {lacking[0]!r}", "see docs/reference/records.md"
        )
    for name, kind in COLUMNS.items():
        if frame.schema[name] not in (kind, pl.Null):
            raise DataError(
                f"{str(path)!r}: column {name!r} is {frame.schema[name]}, expected {kind}",
                "see docs/reference/records.md",
            )
    if frame.is_empty():
        raise DataError(f"{str(path)!r} has no record", "a page of nothing cannot be made")
    return sort_records(frame.select(pl.col(name).cast(kind) for name, kind in COLUMNS.items()))
