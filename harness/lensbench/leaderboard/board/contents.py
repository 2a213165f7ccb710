"""A board that was read: every file as the manifest says, every claim consistent with the rest.

Opening one is the tier *reported*. Nothing of a plugin runs.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lensbench.api.budget import find_budget
from lensbench.errors import DataError
from lensbench.leaderboard.board.by_scene import (
    Row,
    check_scores,
    published_scores,
    scores_of,
)
from lensbench.leaderboard.board.claims import (
    Provenance,
    check_complete,
    check_metrics,
    check_provenance,
    check_records,
)
from lensbench.leaderboard.board.documents import (
    StudyDocument,
    read_citations,
    read_environment,
    read_study,
)
from lensbench.leaderboard.board.evidence import cells_resting_on, evidence_of, tiers_of
from lensbench.leaderboard.board.layout import (
    MANIFEST,
    PAGE,
    PROVENANCE,
    RECORDS,
    REQUIRED,
    STUDY,
    kind_of,
    shown,
)
from lensbench.leaderboard.board.manifest import Manifest, Tier, file_of, read_manifest
from lensbench.leaderboard.board.reading import (
    check_weights,
    read_json,
    read_predictions,
    read_table,
    read_text,
    reading,
)
from lensbench.leaderboard.board.texts import check_page, check_text
from lensbench.store.records import COLUMNS, VERSION, columns_of


@dataclass(frozen=True)
class Board:
    """A board's folder with what it holds.

    Attributes:
        folder: Where it is.
        manifest: Digests, and what was verified so far.
        records: All of its records.
        study: The study that it answers.
        provenance: What each key was made from.
    """

    folder: Path
    manifest: Manifest
    records: pl.DataFrame
    study: StudyDocument
    provenance: Provenance

    def predictions(self, key: str) -> tuple[list[str], dict[str, np.ndarray]] | None:
        """Scene ids and predictions of a key; `None` where they are elsewhere.

        Raises:
            DataError: Where the board does not know them, or they are damaged.
        """
        names = [f"predictions/{key}{suffix}" for suffix in (".parquet", ".h5")]
        known = [n for n in names if n in self.manifest.files or n in self.manifest.elsewhere]
        if not known:
            raise DataError(
                f"the board has no {names[0].rpartition('.')[0]}",
                "publish it again from the study's store",
            )
        path = self.folder / known[0]
        return read_predictions(path, known[0]) if path.exists() else None

    @functools.cached_property
    def without_predictions(self) -> frozenset[str]:
        """Cells some of whose predictions are not in the folder."""
        absent = [n for n in self.manifest.elsewhere if not (self.folder / n).exists()]
        return cells_resting_on(self.records, absent)

    @functools.cached_property
    def scores(self) -> dict[Row, tuple[str, np.ndarray]]:
        """Scenes and scores by scene of cell, test dataset, test condition and metric."""
        names = [name for name in self.manifest.files if name.startswith("scores/")]
        found: dict[Row, tuple[str, np.ndarray]] = {}
        for name in names:
            found |= scores_of(self.folder / name, name)
        return found

    @functools.cached_property
    def evidence(self) -> dict[str, str]:
        """Digest of what each done cell rests on: its records, predictions and weights."""
        return evidence_of(self.records, self.provenance, self.manifest)

    @property
    def tiers(self) -> dict[str, Tier]:
        """The tier that each done cell has earned."""
        return tiers_of(self.records, self.provenance, self.manifest)


def open_board(folder: Path) -> Board:
    """Reads a board and refuses what is not as it should be.

    Raises:
        DataError: In one line, for the first fault that is found.
    """
    if not folder.is_dir():
        raise DataError(f"{str(folder)!r} is no folder", "name the folder of a board")
    manifest = read_manifest(folder)
    _check_files(folder, manifest)
    for name in REQUIRED:
        if name not in manifest.files:
            raise DataError(f"the board has no {name}", "lensbench leaderboard publish makes one")
    records = read_board_records(folder / RECORDS)
    provenance = read_json(folder / PROVENANCE, PROVENANCE)
    with reading(PROVENANCE, "descriptions"):
        check_provenance(records, provenance)
        check_complete(records)
    with reading(PROVENANCE, "text"):
        for text in _texts(provenance):
            check_text(f"a text in {PROVENANCE}", text)
    read_environment(folder)
    read_citations(folder)
    board = Board(folder, manifest, records, read_study(folder), provenance)
    _check_budget(board)
    _check_predictions(board)
    published = published_scores(records)
    resamples = find_budget(records["budget"][0]).resamples
    for name, kind in ((name, kind_of(name)) for name in manifest.files):
        if kind is not None and kind.form == "safetensors":
            check_weights(folder / name, name)
        elif kind is not None and kind.form == "text":
            check_page(name, read_text(folder / name, name))
        elif name.startswith("scores/"):
            check_scores(folder / name, name, published, resamples)
    return board


def read_board_records(path: Path) -> pl.DataFrame:
    """The records of a board, checked one against another."""
    table = read_table(path, RECORDS)
    with reading(RECORDS, "records"):
        frame = with_all_columns(pl.DataFrame(pl.from_arrow(table)))
        check_records(frame)
    return frame


def with_all_columns(records: pl.DataFrame) -> pl.DataFrame:
    """Records of this version or the one before, whose missing columns are empty.

    Raises:
        DataError: Where columns are there that the version of the first row does not have.
    """
    version = records["version"][0] if "version" in records and len(records) else VERSION
    expected = list(columns_of(version if version == VERSION - 1 else VERSION))
    if records.columns != expected:
        wrong = set(records.columns) ^ set(expected)
        raise DataError(f"{RECORDS} has other columns: {shown(min(wrong, default='order'))}")
    empty = [pl.lit(None, kind).alias(n) for n, kind in COLUMNS.items() if n not in expected]
    return records.with_columns(empty).select(list(COLUMNS))


def _check_files(folder: Path, manifest: Manifest) -> None:
    """Every file that is there is named, and is what the manifest says."""
    found = dict(_walk(folder))
    named = manifest.known
    for name in found:
        if name not in named:
            raise DataError(f"the board has a file that {MANIFEST} does not name: {shown(name)}")
    for name in manifest.files:
        if name not in found:
            raise DataError(f"the board lacks {name}, which {MANIFEST} names")
    for name, path in found.items():
        said = named[name]
        if path.stat().st_size != said.size or file_of(path).sha256 != said.sha256:
            raise DataError(
                f"{name} is not what {MANIFEST} says: its SHA-256 or its size differs",
                "fetch the board again",
            )


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Names and paths of all files but the manifest, the page and what is hidden at the top."""
    for root, folders, files in os.walk(folder, followlinks=False):
        at_top = Path(root) == folder
        if at_top:
            folders[:] = [name for name in folders if not name.startswith(".")]
        for name in (*folders, *files):
            path = Path(root) / name
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise DataError(f"{shown(name)} in the board is a link or no plain file")
        for name in files:
            if at_top and (name in (MANIFEST, PAGE) or name.startswith(".")):
                continue
            path = Path(root) / name
            yield path.relative_to(folder).as_posix(), path


def _texts(document: Any) -> Iterator[str]:
    """All text in a document, names of its fields included."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.keys())
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_budget(board: Board) -> None:
    said, budget = board.study.budget, board.records["budget"][0]
    if said != budget:
        raise DataError(f"{STUDY} says budget {shown(said)}, the records {shown(budget)}")


def _check_predictions(board: Board) -> None:
    """Each file of predictions is of the scenes that its records count, and nobody's twice."""
    done = board.records.filter(pl.col("state") == "done")
    scenes: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    wanted = done.group_by("predictions", "images", maintain_order=True).agg(pl.col("n").max())
    for key, images, n in wanted.rows():
        here = board.predictions(key)
        if here is None:
            continue
        ids, arrays = here
        names[key] = " ".join(sorted(arrays))
        count = board.provenance["images"][images]["count"]
        if len(ids) != count or n > count:
            raise DataError(
                f"predictions {key} are of {len(ids)} scenes, records count {n} "
                f"and their images are of {count}"
            )
        if scenes.setdefault(images, ids) != ids:
            raise DataError(f"predictions {key} are of other scenes than those of other entrants")
    check_metrics(board.records, names)
    known, cells = set(done["predictions"]), set(done["cell"])
    for name in board.manifest.known:
        key = Path(name).stem
        if name.startswith("predictions/") and key not in known:
            raise DataError(f"{name} belongs to no record")
        if name.startswith("fits/") and key not in cells:
            raise DataError(f"{name} belongs to no record")
        if name.startswith("weights/") and key not in board.provenance["weights"]:
            raise DataError(f"{name} belongs to no record")
