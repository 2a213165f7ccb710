"""What a page is made from: records, and where their predictions and images are."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.source import Source, open_source
from lensbench.store import Store
from lensbench.store.records import sort_records

Find = Callable[[str, str], Path | None]
"""The file of an artefact of a kind and key, or none."""

_LONGEST = 200_000
"""Bytes of a study file or of what a board says of itself that are read."""


@dataclass(frozen=True)
class Evidence:
    """Records and what stands behind them.

    Attributes:
        name: Of the board, file or run.
        records: All of them, in their order.
        scores: How scores vary over scenes; no rows where that is not at hand.
        find: Gives files of `predictions`, `images` and `skies`, as far as they are at hand.
        study: The study file's text, empty where it is not known.
        trust: What a board says of itself, in texts and numbers; empty for a run.
    """

    name: str
    records: pl.DataFrame
    scores: pl.DataFrame
    find: Find = lambda kind, key: None
    study: str = ""
    trust: Mapping[str, Any] = field(default_factory=dict)


def gather(where: str, store: Callable[[], Store]) -> Evidence:
    """Finds what is to be shown.

    Args:
        where: Folder of a board, file of records, or beginning of a run's key; the last run where
            it is empty.
        store: Opens the store of runs; called only where one is meant.

    Raises:
        UsageError: Where there is no such thing.
        DataError: Where it cannot be read as records, or there is none in it.
    """
    source = open_source(where, store)
    path = Path(where)
    if where and path.exists():
        folder = path if path.is_dir() else path.parent
        board = path.is_dir() or (folder / "manifest.json").is_file()
        name = (folder.resolve() if board else path).stem
        trust = _json(folder / "board.json") if board else {}
        study = _text(folder / "study.toml") if board else ""
        return _evidence(name, source, _within(folder), study, trust)
    opened = store()
    study = _text(opened.root / "sweeps" / source.name / "study.toml")
    name = study_name(study) or f"run {source.name[:12]}"
    return _evidence(name, source, opened.find, study, {})


def study_name(study: str) -> str:
    """The name that a study file gives itself, or nothing."""
    try:
        return str(tomllib.loads(study).get("name", ""))
    except tomllib.TOMLDecodeError:
        return ""


def _evidence(
    name: str, source: Source, find: Find, study: str, trust: Mapping[str, Any]
) -> Evidence:
    try:
        records = sort_records(source.records.collect())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(f"{source.name!r} cannot be read: {reason}", "is it damaged?") from None
    if records.is_empty():
        raise DataError(f"{source.name!r} has no record", "a page of nothing cannot be made")
    return Evidence(name, records, source.scores, find, study, trust)


def _within(folder: Path) -> Find:
    """Artefacts of a board's folder; a key that is more than letters and digits is none."""

    def find(kind: str, key: str) -> Path | None:
        if not key.isalnum():
            return None
        found = [path for path in (folder / kind).glob(f"{key}.*") if path.suffix != ".json"]
        return found[0] if found and not found[0].is_symlink() else None

    return find


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _json(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(_text(path))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
