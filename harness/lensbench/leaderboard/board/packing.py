"""Packs what a run computed into a board's archives: one a task, and one of pretrained encoders."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lensbench.errors import DataError
from lensbench.leaderboard.board.by_scene import read_scores
from lensbench.leaderboard.board.evidence import digest_of_cell
from lensbench.leaderboard.board.layout import MAX_ARCHIVE
from lensbench.leaderboard.board.manifest import file_of
from lensbench.leaderboard.board.reading import read_predictions
from lensbench.leaderboard.board.shelf import member_of
from lensbench.leaderboard.board.tables import (
    Prediction,
    fits_a_table,
    prediction_digest,
    predictions_table,
    scores_table,
)
from lensbench.leaderboard.board.zips import Slice, read_zip, write_zip
from lensbench.store.scores import BY, scenes_digest

WEIGHTS = "weights"
_TABLE = 64 * 10**6
"""Bytes of numbers after which a new table begins."""


@dataclass(frozen=True)
class PackedRun:
    """Files of a run, as far as they go into archives.

    Attributes:
        members: What each archive gets, by its name without suffix and by name of the member.
        loose: Names of files that go into the board as they are.
        predictions: Digest of each cell's predictions.
    """

    members: Mapping[str, Mapping[str, Slice]]
    loose: tuple[str, ...]
    predictions: Mapping[str, str]


class Packer:
    """Packs the files of a run into members of archives.

    Args:
        records: All of them: who made which prediction.
        scratch: A folder for tables, which has to stay until they are written.
    """

    def __init__(self, records: pl.DataFrame, scratch: Path) -> None:
        self._scratch = scratch
        self._tasks = dict(records.select("cell", "task").unique().rows())
        self._entrants = dict(records.select("cell", "entrant").unique().rows())
        made = records.filter(pl.col("predictions").is_not_null())
        self._cells: dict[str, str] = dict(made.select("predictions", "cell").unique().rows())
        self._members: dict[str, dict[str, Slice]] = defaultdict(dict)
        self._digests: dict[str, dict[str, str]] = defaultdict(dict)

    def pack(self, files: Mapping[str, Path]) -> PackedRun:
        """Packs files by their name in a store, `KIND/KEY.SUFFIX`; others stay loose.

        Raises:
            DataError: Where a file is damaged, or belongs to no record.
        """
        loose = [name for name in files if "/" not in name]
        loose += self._pack_predictions(
            {name: path for name, path in files.items() if name.startswith("predictions/")}
        )
        self._pack_scores({n: path for n, path in files.items() if n.startswith("scores/")})
        for name, path in sorted(files.items()):
            kind, _, key = name.partition("/")
            if kind == "weights":
                self._members[WEIGHTS][name] = Slice.of_file(path)
            elif kind == "fits":
                self._members[self._archive(Path(key).stem, name)][name] = Slice.of_file(path)
        digests = {cell: digest_of_cell(known) for cell, known in self._digests.items()}
        return PackedRun(self._members, tuple(loose), digests)

    def _archive(self, cell: str, name: str) -> str:
        if cell not in self._tasks:
            raise DataError(f"{name} belongs to no record")
        return archive_name(self._tasks[cell])

    def _pack_predictions(self, files: Mapping[str, Path]) -> list[str]:
        """Packs predictions in numbers by task and entrant; gives the names of all others."""
        others = []
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for name in sorted(files):
            cell = self._cells.get(Path(name).stem, "")
            groups[self._archive(cell, name), self._entrants[cell]].append(name)
        for (archive, _), names in sorted(groups.items()):
            rows: list[tuple[str, Prediction]] = []
            size = 0
            for name in names:
                key, path = Path(name).stem, files[name]
                digest, packed = digested(path, name)
                self._digests[self._cells[key]][key] = digest
                if packed is None:
                    others.append(name)
                    continue
                rows.append((key, packed))
                size += sum(values.nbytes for values in packed[1].values())
                if size > _TABLE:
                    self._add_predictions(archive, rows)
                    rows, size = [], 0
            self._add_predictions(archive, rows)
        return others

    def _add_predictions(self, archive: str, rows: list[tuple[str, Prediction]]) -> None:
        if not rows:
            return
        for _, (ids, _) in rows:
            name = f"scenes/{scenes_digest(ids)}.txt"
            if name not in self._members[archive]:
                path = self._scratch / f"{archive}-{Path(name).name}"
                path.write_bytes("\0".join(ids).encode())
                self._members[archive][name] = Slice.of_file(path)
        path = self._scratch / "table"
        predictions_table(((key, scenes_digest(ids), it) for key, (ids, it) in rows), path)
        self._add("predictions", archive, path)

    def _pack_scores(self, files: Mapping[str, Path]) -> None:
        """Packs scores by scene by task and entrant."""
        groups: dict[tuple[str, str], list[pl.DataFrame]] = defaultdict(list)
        for name, path in sorted(files.items()):
            for (cell,), part in read_scores(path, name).group_by("cell", maintain_order=True):
                key = str(cell)
                archive = self._archive(key, name)
                groups[archive, self._entrants[key]].append(part)
        for (archive, _), parts in sorted(groups.items()):
            frame = pl.concat(parts).select(*BY, "per_scene", "scenes", "n", "values").sort(BY)
            longest = max(1, *frame["values"].list.len())
            rows = max(1, _TABLE // (4 * longest))
            for start in range(0, frame.height, rows):
                path = self._scratch / "table"
                scores_table(frame.slice(start, rows), path)
                self._add("scores", archive, path)

    def _add(self, kind: str, archive: str, path: Path) -> None:
        """Adds a table under the beginning of its digest."""
        name = f"{kind}/{member_of(Slice.of_file(path)).sha256[:20]}.parquet"
        kept = self._scratch / f"{archive}-{kind}-{Path(name).name}"
        path.rename(kept)
        self._members[archive][name] = Slice.of_file(kept)


def digested(path: Path, name: str) -> tuple[str, Prediction | None]:
    """Digest of a file of predictions, and what is in it if that goes into a table.

    The digest of images is that of their file; else it is of the numbers, however they are stored.
    """
    if path.suffix == ".h5":
        return file_of(path).sha256, None
    prediction = read_predictions(path, name)
    return prediction_digest(prediction), prediction if fits_a_table(prediction) else None


def cell_digests(records: pl.DataFrame, files: Mapping[str, Path]) -> dict[str, str]:
    """Digest of each cell's predictions, from files by their name in a store."""
    made = records.filter(pl.col("predictions").is_not_null())
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for key, cell in made.select("predictions", "cell").unique().rows():
        names = (f"predictions/{key}{suffix}" for suffix in (".parquet", ".h5"))
        for name in names:
            if name in files:
                found[cell][key] = digested(files[name], name)[0]
    return {cell: digest_of_cell(known) for cell, known in found.items()}


def archive_name(task: str) -> str:
    """The archive of a task, without suffix: letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", task.lower()).strip("-")[:48] or "task"


def write_archives(
    members: Mapping[str, Mapping[str, Slice]], folder: Path, before: Path | None = None
) -> None:
    """Writes archives into a folder; a large one goes on in `NAME--2.zip`.

    Where the folder `before` has the archive with members that are all wanted again, its bytes
    stay and the others are appended.
    """
    for archive, wanted in members.items():
        for number, part in enumerate(_parts(wanted), 1):
            target = folder / f"{archive}{f'--{number}' if number > 1 else ''}.zip"
            base = before / target.name if before else None
            held = [name for name, one in part.items() if one.path == base]
            kept = base is not None and bool(held) and _whole(base, part, held)
            new = {name: one for name, one in part.items() if not (kept and name in held)}
            write_zip(target, new, base if kept else None)


def _whole(base: Path, part: Mapping[str, Slice], held: Iterable[str]) -> bool:
    """Whether all members of an archive are held again."""
    return read_zip(base, base.name).keys() == set(held)


def _parts(members: Mapping[str, Slice]) -> list[dict[str, Slice]]:
    """Members in archives of a size that is allowed, in their order.

    Raises:
        DataError: Where one is too large for any.
    """
    parts: list[dict[str, Slice]] = [{}]
    size = 0
    for name, member in members.items():
        needed = member.size + 512
        if needed > MAX_ARCHIVE // 2:
            raise DataError(
                f"{name} has {member.size} bytes, too many for an archive",
                "leave it out with --weights-below",
            )
        if size + needed > MAX_ARCHIVE // 2:
            parts.append({})
            size = 0
        parts[-1][name] = member
        size += needed
    return parts
