"""Turns a board of format 1 or 2, with a file for each prediction and fit, into one of today's.

Every file of the old board has to be what its manifest says. What was verified stays verified: a
finding whose evidence is that of the old files becomes one on the same content in the new ones.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.board.claims import Provenance
from lensbench.leaderboard.board.contents import Board, open_board, read_board_records
from lensbench.leaderboard.board.documents import (
    parse_json,
    read_citations,
    read_environment,
    read_study,
)
from lensbench.leaderboard.board.evidence import digest_of_cell, evidence_of
from lensbench.leaderboard.board.layout import (
    MANIFEST,
    MAX_MANIFEST,
    PROVENANCE,
    READING,
    RECORDS,
    shown,
)
from lensbench.leaderboard.board.manifest import (
    Check,
    File,
    Withdrawal,
    file_of,
    read_manifest,
    write_manifest,
)
from lensbench.leaderboard.board.packing import cell_digests
from lensbench.leaderboard.board.reading import read_bytes, read_json, reading
from lensbench.leaderboard.board.writing import Contents, fill, scratch_beside
from lensbench.store.records import RESULTS, columns_of

_FORMATS = (1, 2)
_PACKED = ("predictions/", "scores/", "fits/", "weights/")


def convert(folder: Path) -> Board:
    """Puts a board of today's format in the place of an older one; hidden files stay.

    Raises:
        DataError: Where it is no such board, a file is not what its manifest says, or the numbers
            of predictions that lie elsewhere cannot be had.
    """
    old = read_json(folder / MANIFEST, MANIFEST)
    if not isinstance(old, dict) or old.get("format") not in _FORMATS:
        raise DataError(f"{str(folder)!r} is no board of format 1 or 2", "there is nothing to do")
    read_bytes(folder / MANIFEST, MANIFEST, MAX_MANIFEST)
    with reading(MANIFEST, "a manifest"):
        files, elsewhere = (
            parse_json(dict[str, File], MANIFEST, json.dumps(old.get(part, {})))
            for part in ("files", "elsewhere")
        )
        checks = parse_json(tuple[Check, ...], MANIFEST, json.dumps(old.get("checks", [])))
    _check_files(folder, files)
    contents = _contents(folder, old, files, elsewhere)
    before = _evidence(contents.records, contents.provenance, files | elsewhere)
    with scratch_beside(folder) as new:
        fill(contents, new)
        manifest = read_manifest(new)
        now = evidence_of(contents.records, contents.provenance, manifest)
        renewed = _renewed(checks, before, now)
        write_manifest(new, manifest.model_copy(update={"checks": renewed}))
        board = open_board(new)
        _put_in_place(new, folder, files)
    return replace(board, folder=folder)


def _check_files(folder: Path, files: Mapping[str, File]) -> None:
    for name, said in files.items():
        path = folder / name
        if ".." in name or path.is_symlink() or not path.is_file():
            raise DataError(f"the board has no plain file {shown(name)}")
        if file_of(path) != said:
            raise DataError(f"{name} is not what {MANIFEST} says", "fetch the board again")


def _contents(
    folder: Path,
    old: Mapping[str, Any],
    files: Mapping[str, File],
    elsewhere: Mapping[str, File],
) -> Contents:
    records = read_board_records(folder / RECORDS)
    carried = {name: folder / name for name in files if name.startswith(_PACKED) or name == READING}
    reason = str(old.get("withdrawn", ""))
    return Contents(
        records=records,
        study=read_study(folder).model_dump(exclude_unset=True),
        provenance=read_json(folder / PROVENANCE, PROVENANCE),
        environment=read_environment(folder).model_dump(exclude_unset=True),
        citations=[vars(one) for one in read_citations(folder)],
        files=carried,
        predictions=_digests(records, folder, carried, elsewhere) if elsewhere else {},
        elsewhere=elsewhere,
        licence=str(old.get("licence", "")),
        withdrawn=Withdrawal(reason=reason) if reason else None,
    )


def _digests(
    records: pl.DataFrame,
    folder: Path,
    carried: Mapping[str, Path],
    elsewhere: Mapping[str, File],
) -> dict[str, str]:
    """Digest of each cell's predictions where some lie elsewhere: of images that of their file."""
    here = {name: folder / name for name in elsewhere if (folder / name).is_file()}
    lacking = [name for name in elsewhere if name not in here and not name.endswith(".h5")]
    if lacking:
        raise DataError(
            f"{lacking[0]} lies elsewhere, and its numbers are needed to convert the board",
            "put the files that are elsewhere in their place first",
        )
    absent = {Path(name).stem: file.sha256 for name, file in elsewhere.items() if name not in here}
    digests = cell_digests(records, {**carried, **here})
    made = records.filter(pl.col("predictions").is_in(list(absent)))
    for (cell,), frame in made.group_by("cell"):
        keys = frame["predictions"].unique().to_list()
        if any(key not in absent for key in keys):
            raise DataError(f"predictions of cell {cell} lie in part elsewhere", "fetch them first")
        digests[str(cell)] = digest_of_cell({key: absent[key] for key in keys})
    return digests


def _evidence(
    records: pl.DataFrame, provenance: Provenance, files: Mapping[str, File]
) -> dict[str, str]:
    """Digest of what each done cell rested on in the old format."""
    known = columns_of(records["version"][0])
    done = records.filter(pl.col("state") == "done").select(n for n in RESULTS if n in known)
    named: dict[str, list[tuple[str, str]]] = {}
    for name, file in files.items():
        named.setdefault(name.rpartition(".")[0], []).append((name, file.sha256))
    digests = {}
    for (cell,), frame in done.group_by("cell", maintain_order=True):
        fit = provenance["fits"][str(cell)]["inputs"]
        stems = [f"predictions/{key}" for key in frame["predictions"].unique()]
        stems += [f"fits/{cell}", f"weights/{fit['weights']}"]
        found = sorted(file for stem in stems for file in named.get(stem, ()))
        rows = frame.sort("test_dataset", "test_condition", "metric").rows()
        digests[str(cell)] = hashlib.sha256(json.dumps([rows, found]).encode()).hexdigest()
    return digests


def _renewed(
    checks: Iterable[Check], before: Mapping[str, str], now: Mapping[str, str]
) -> tuple[Check, ...]:
    """Checks with the evidence of the new files where it was that of the old ones."""
    renewed = []
    for check in checks:
        cells = {
            cell: finding.model_copy(update={"evidence": now[cell]})
            for cell, finding in check.cells.items()
            if before.get(cell) == finding.evidence
        }
        if cells:
            renewed.append(check.model_copy(update={"cells": cells}))
    return tuple(renewed)


def _put_in_place(new: Path, folder: Path, old: Iterable[str]) -> None:
    """The old files go, the new ones come, the manifest last."""
    (folder / MANIFEST).unlink()
    for name in old:
        (folder / name).unlink()
    for place in ("predictions", "scores", "fits", "weights"):
        if (folder / place).is_dir() and not any((folder / place).iterdir()):
            (folder / place).rmdir()
    for path in sorted(new.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            goal = folder / path.relative_to(new)
            goal.parent.mkdir(exist_ok=True)
            os.replace(path, goal)  # noqa: PTH105 (over what is there)
    (new / MANIFEST).replace(folder / MANIFEST)
