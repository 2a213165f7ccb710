"""A board that was read: every file as the manifest says, every claim consistent with the rest.

Opening one is the tier *reported*. Nothing of a plugin runs.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Iterable, Iterator
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
from lensbench.leaderboard.board.claims import Provenance, check_provenance, check_records
from lensbench.leaderboard.board.completeness import check_complete, check_metrics
from lensbench.leaderboard.board.documents import (
    StudyDocument,
    read_citations,
    read_environment,
    read_study,
)
from lensbench.leaderboard.board.evidence import (
    cells_resting_on,
    digest_of_cell,
    evidence_of,
    tiers_of,
)
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
from lensbench.leaderboard.board.limits import check_limits, check_published, read_limits
from lensbench.leaderboard.board.manifest import Manifest, Tier, file_of, read_manifest
from lensbench.leaderboard.board.reading import (
    read_json,
    read_predictions,
    read_table,
    read_text,
    reading,
)
from lensbench.leaderboard.board.shelf import Shelf
from lensbench.leaderboard.board.tables import Prediction, prediction_digest
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

    @functools.cached_property
    def shelf(self) -> Shelf:
        """What its archives hold."""
        return Shelf(self.folder, self.manifest)

    def predictions(self, key: str) -> Prediction | None:
        """Scene ids and predictions of a key; `None` where they are elsewhere.

        Raises:
            DataError: Where the board does not know them, or they are damaged.
        """
        if key in self.shelf.tables:
            return self.shelf.prediction(key)
        name = self._loose(key)
        if not name:
            raise DataError(
                f"the board has no predictions/{key}", "publish it again from the study's store"
            )
        path = self.folder / name
        return read_predictions(path, name) if path.exists() else None

    def _loose(self, key: str) -> str:
        """The name of a file of predictions, here or elsewhere; empty where there is none."""
        names = (f"predictions/{key}{suffix}" for suffix in (".parquet", ".h5"))
        return next((name for name in names if name in self.manifest.known), "")

    def digest(self, key: str, prediction: Prediction | None) -> str:
        """The digest of predictions, whether they are here or not; empty where it is not known."""
        name = self._loose(key) if key not in self.shelf.tables else ""
        if name.endswith(".h5"):
            return self.manifest.known[name].sha256
        return "" if prediction is None else prediction_digest(prediction)

    @functools.cached_property
    def without_predictions(self) -> frozenset[str]:
        """Cells some of whose predictions are not in the folder."""
        absent = [n for n in self.manifest.elsewhere if not (self.folder / n).exists()]
        return cells_resting_on(self.records, absent)

    @functools.cached_property
    def scores(self) -> dict[Row, tuple[str, np.ndarray]]:
        """Scenes and scores by scene of cell, test dataset, test condition and metric."""
        found: dict[Row, tuple[str, np.ndarray]] = {}
        for name, member in self.shelf.named("scores/"):
            found |= scores_of(member, name)
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
    check_limits(read_limits(folder), records)
    board = Board(folder, manifest, records, read_study(folder), provenance)
    _check_study(board)
    check_published(board.study)
    board.shelf.check()
    _check_predictions(board)
    published = published_scores(records)
    resamples = find_budget(records["budget"][0]).resamples
    for name, kind in ((name, kind_of(name)) for name in manifest.files):
        if kind is not None and kind.form == "text":
            check_page(name, read_text(folder / name, name))
    for name, member in board.shelf.named("scores/"):
        check_scores(member, name, published, resamples)
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


def _check_study(board: Board) -> None:
    """The records are of the budget and of the draws that the study asks for."""
    said, budget = board.study.budget, board.records["budget"][0]
    if said != budget:
        raise DataError(f"{STUDY} says budget {shown(said)}, the records {shown(budget)}")
    asked, drawn = set(board.study.seed_values("draw")), set(board.records["seed_draw"])
    if asked != drawn:
        odd = min(asked ^ drawn)
        where = (STUDY, RECORDS) if odd in asked else (RECORDS, STUDY)
        raise DataError(
            f"draw {odd} is in {where[0]} and not in {where[1]}",
            "publish the draws that the study asks for, all of them",
        )


def _check_predictions(board: Board) -> None:
    """Predictions are what the manifest says, of the scenes that their records count.

    Raises:
        DataError: Naming the first that are not.
    """
    done = board.records.filter(pl.col("state") == "done")
    wanted = {
        str(key): (str(cell), str(images), int(n))
        for key, cell, images, n in done.group_by("predictions", "cell", "images")
        .agg(pl.col("n").max())
        .sort("predictions")
        .rows()
    }
    _check_belonging(board, set(done["cell"]), wanted.keys())
    scenes: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    digests: dict[str, dict[str, str]] = {}
    for key, here in _all_predictions(board, wanted):
        cell, images, n = wanted[key]
        digests.setdefault(cell, {})[key] = board.digest(key, here)
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
    for cell, known in digests.items():
        if all(known.values()) and digest_of_cell(known) != board.manifest.predictions.get(cell):
            raise DataError(f"predictions of cell {cell} are not what {MANIFEST} says")
    check_metrics(board.records, names)


def _all_predictions(
    board: Board, wanted: Iterable[str]
) -> Iterator[tuple[str, Prediction | None]]:
    """Each prediction once, table after table; `None` where one is elsewhere."""
    yield from board.shelf.predictions()
    for key in wanted:
        if key not in board.shelf.tables:
            yield key, board.predictions(key)


def _check_belonging(board: Board, cells: Collection[str], known: Collection[str]) -> None:
    """Nothing is there that belongs to no record.

    Raises:
        DataError: Naming the first that does.
    """
    if set(board.manifest.predictions) != set(cells):
        odd = min(set(board.manifest.predictions) ^ set(cells))
        raise DataError(f"{MANIFEST} has other cells with predictions than {RECORDS}: {odd}")
    for name in board.manifest.known:
        if name.startswith("predictions/"):
            key = Path(name).stem
            if key not in known or key in board.shelf.tables:
                raise DataError(f"{name} belongs to no record, or is there twice")
    for key, name in board.shelf.tables.items():
        if key not in known:
            raise DataError(f"{name} has predictions {shown(key)}, which belong to no record")
    keyed = {"fits": cells, "weights": board.provenance["weights"]}
    for kind, keys in keyed.items():
        for name, _ in board.shelf.named(f"{kind}/"):
            if Path(name).stem not in keys:
                raise DataError(f"{name} belongs to no record")
