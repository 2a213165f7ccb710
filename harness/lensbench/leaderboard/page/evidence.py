"""What a page is made from: records, and where their predictions and images are."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from lensbench.errors import DataError, LensbenchError
from lensbench.leaderboard.board.contents import Board, open_board
from lensbench.leaderboard.board.documents import Credit, read_citations
from lensbench.leaderboard.board.layout import MANIFEST
from lensbench.leaderboard.board.limits import limit_finder
from lensbench.leaderboard.board.manifest import TIERS
from lensbench.leaderboard.board.tables import Prediction
from lensbench.leaderboard.gallery import ClassOf
from lensbench.leaderboard.page.gallery_scenes import Find, ScenesOf, stored_scenes
from lensbench.leaderboard.source import Source, open_source
from lensbench.leaderboard.standings import Limits, Row
from lensbench.store import Store
from lensbench.store.predictions import read_predictions
from lensbench.store.records import sort_records

Predict = Callable[[str], Prediction | None]
"""The scene ids and predictions of a key, or none."""


@dataclass(frozen=True)
class Evidence:
    """Records and what stands behind them.

    Attributes:
        name: Of the board, file or run.
        records: All of them, in their order.
        scores: How scores vary over scenes; no rows where that is not at hand.
        scenes: Gives test scenes by the keys of their images and skies, as far as they are at hand.
        predictions: Gives predictions by key, as far as they are at hand.
        study: The study file's text, empty where it is not known.
        trust: What a board says of itself, and what was verified; empty for a run.
        tiers: The tier that each cell of a board has earned.
        credited: Whom a board says to cite.
        limits: Gives the limits of the table that a record is in, as far as a board states them.
        board: The board, where it is one.
        class_of: Says what the classes of a task are; the page's gallery shows them.
        short: Short names of encoders, by the names that records have.
        all_labels: How many labelled scenes a cell had that had all, as far as it is known.
    """

    name: str
    records: pl.DataFrame
    scores: pl.DataFrame
    scenes: ScenesOf = lambda images, truth: None
    predictions: Predict = lambda key: None
    study: str = ""
    trust: Mapping[str, str] = field(default_factory=dict)
    tiers: Mapping[str, str] = field(default_factory=dict)
    credited: Sequence[Credit] = ()
    limits: Callable[[Row], Limits] = lambda first: {}
    board: Board | None = None
    class_of: ClassOf = lambda task: ("", "")
    short: Mapping[str, str] = field(default_factory=dict)
    all_labels: Mapping[str, int] = field(default_factory=dict)


def gather(where: str, store: Callable[[], Store]) -> Evidence:
    """Finds what is to be shown.

    Args:
        where: Folder of a board, file of records, or beginning of a run's key; the last run where
            it is empty.
        store: Opens the store of runs; where a board or file is named, images are taken from it if
            it opens.

    Raises:
        UsageError: Where there is no such thing.
        DataError: Where it cannot be read as records, or there is none in it.
    """
    path = Path(where)
    if where and (path / MANIFEST).is_file():
        return _of_board(open_board(path), open_source(where, store), _if_any(store))
    source = open_source(where, store)
    find = _if_any(store)
    name, study = f"run {source.name[:12]}", source.study
    if where and path.exists():
        name, study = path.resolve().stem, ""
    return Evidence(
        name=study_name(study) or name,
        records=_records(source),
        scores=source.scores,
        scenes=stored_scenes(find),
        predictions=kept_predictions(find),
        study=study,
    )


def _of_board(board: Board, source: Source, beside: Find) -> Evidence:
    manifest = board.manifest
    trust = {"licence": manifest.licence, "published with": f"lensbench {manifest.lensbench}"}
    if manifest.withdrawn:
        trust = {"withdrawn": str(manifest.withdrawn), **trust}
    for check in sorted(manifest.checks, key=lambda one: TIERS.index(one.tier)):
        passed = sum(finding.passed for finding in check.cells.values())
        trust[check.tier] = (
            f"{passed} of {len(check.cells)} cells, {check.date[:10]}, lensbench {check.lensbench}"
        )
    name = board.study.name
    return Evidence(
        name=name,
        records=sort_records(board.records),
        scores=source.scores,
        scenes=stored_scenes(beside),
        predictions=board.predictions,
        study=source.study,
        trust=trust,
        tiers=board.tiers,
        credited=read_citations(board.folder),
        limits=limit_finder(source.limits),
        board=board,
        all_labels=_all_labels(board),
    )


def _all_labels(board: Board) -> dict[str, int]:
    """Training scenes of each cell that had all labels."""
    full = {
        cell: board.provenance["images"][key]
        for cell, fit in board.provenance["fits"].items()
        for key in fit["inputs"]["images"]
        if fit["labels"] is None and board.provenance["images"][key]["split"] == "train"
    }
    counts = {cell: seen["count"] for cell, seen in full.items()}
    return {cell: n for cell, n in counts.items() if isinstance(n, int) and n > 0}


def study_name(study: str) -> str:
    """The name that a study file gives itself, or nothing."""
    try:
        return str(tomllib.loads(study).get("name", ""))
    except tomllib.TOMLDecodeError:
        return ""


def _records(source: Source) -> pl.DataFrame:
    try:
        records = sort_records(source.records.collect())
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(f"{source.name!r} cannot be read: {reason}", "is it damaged?") from None
    if records.is_empty():
        raise DataError(f"{source.name!r} has no record", "a page needs at least one record")
    return records


def _if_any(store: Callable[[], Store]) -> Find:
    """Artefacts of a store, if there is one.

    A key that is more than letters and digits is none, so that it leads nowhere else.
    """
    try:
        opened = store()
    except LensbenchError:
        return lambda kind, key: None
    return lambda kind, key: opened.find(kind, key) if key.isalnum() else None


def kept_predictions(find: Find) -> Predict:
    """Predictions of a store, by what finds files there."""

    def predictions(key: str) -> Prediction | None:
        path = find("predictions", key)
        return None if path is None else read_predictions(path)

    return predictions
