"""Archives of boards as one who changes them would: members replaced, digests made to agree."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.evidence import digest_of_cell
from lensbench.leaderboard.board.manifest import file_of, read_manifest, write_manifest
from lensbench.leaderboard.board.shelf import member_of
from lensbench.leaderboard.board.tables import Prediction, prediction_digest, predictions_table
from lensbench.leaderboard.board.zips import read_zip
from lensbench.store.scores import scenes_digest


def members_of(folder: Path, kind: str = "") -> dict[str, bytes]:
    """Members of a board's archives whose names begin so."""
    return {
        name: bytes(member.view())
        for path in sorted(folder.glob("*.zip"))
        for name, member in read_zip(path, path.name).items()
        if name.startswith(kind)
    }


def write_members(path: Path, members: Mapping[str, bytes]) -> None:
    """Writes an archive as boards have them."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)


def change_members(folder: Path, kind: str, change: Callable[[bytes], bytes | None]) -> None:
    """Changes members whose names begin so, or takes them out; makes all digests agree again.

    A member that is named by its digest gets its new name.
    """
    for path in sorted(folder.glob("*.zip")):
        kept = {}
        for name, member in read_zip(path, path.name).items():
            data: bytes | None = bytes(member.view())
            if name.startswith(kind):
                data = change(bytes(member.view()))
            if data is not None:
                kept[_named(name, data)] = data
        write_members(path, kept)
    reseal(folder)


def _named(name: str, data: bytes) -> str:
    if not name.startswith(("predictions/", "scores/", "scenes/")):
        return name
    digest = hashlib.sha256(data).hexdigest()[:20]
    return f"{name.partition('/')[0]}/{digest}.{name.rpartition('.')[2]}"


def reseal(folder: Path) -> None:
    """Makes the manifest agree with the files again."""
    files = {
        path.relative_to(folder).as_posix(): file_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    members = {
        path.name: {n: member_of(one) for n, one in read_zip(path, path.name).items()}
        for path in sorted(folder.glob("*.zip"))
    }
    changed = {"files": files, "members": members}
    write_manifest(folder, read_manifest(folder).model_copy(update=changed))


def change_predictions(
    folder: Path, change: Callable[[Prediction], Prediction], most: int = 10**9
) -> None:
    """Changes so many predictions in tables; makes all digests agree, those of cells too."""
    board = open_board(folder)
    chosen = sorted(board.shelf.tables)[:most]
    cells = dict(board.records.select("predictions", "cell").drop_nulls().unique().rows())
    digests: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*.zip")):
        kept = {}
        for name, member in read_zip(path, path.name).items():
            if not name.startswith("predictions/"):
                kept[name] = bytes(member.view())
                continue
            rows = []
            for key in sorted(key for key, table in board.shelf.tables.items() if table == name):
                ids, arrays = board.shelf.prediction(key)
                if key in chosen:
                    ids, arrays = change((ids, arrays))
                digests.setdefault(cells[key], {})[key] = prediction_digest((ids, arrays))
                scenes = "\0".join(ids).encode()
                kept[f"scenes/{scenes_digest(ids)}.txt"] = scenes
                rows.append((key, scenes_digest(ids), arrays))
            predictions_table(rows, folder / ".table")
            data = (folder / ".table").read_bytes()
            (folder / ".table").unlink()
            kept[_named(name, data)] = data
        write_members(path, kept)
    of_cells = {cell: digest_of_cell(known) for cell, known in digests.items()}
    changed = {"predictions": {**board.manifest.predictions, **of_cells}}
    write_manifest(folder, board.manifest.model_copy(update=changed))
    reseal(folder)


def change_scores(folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Changes all scores by scene; makes all digests agree."""

    def changed(data: bytes) -> bytes:
        path = folder / ".table"
        path.write_bytes(data)
        frame = pl.read_parquet(path)
        change(frame).write_parquet(path)
        data = path.read_bytes()
        path.unlink()
        return data

    change_members(folder, "scores/", changed)
