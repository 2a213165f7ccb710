"""The archives of a board: members that agree with the manifest, found by name or key."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lensbench.errors import DataError
from lensbench.leaderboard.board.layout import shown
from lensbench.leaderboard.board.manifest import File, Manifest
from lensbench.leaderboard.board.reading import check_weights, read_scenes
from lensbench.leaderboard.board.tables import (
    Prediction,
    keys_of_table,
    read_predictions_table,
)
from lensbench.leaderboard.board.zips import Slice, read_zip

_BY_DIGEST = ("predictions/", "scores/", "scenes/")


@dataclass(frozen=True)
class Shelf:
    """The archives of a board.

    Attributes:
        folder: Of the board.
        manifest: Which archives there are, and what each holds.
    """

    folder: Path
    manifest: Manifest

    @functools.cached_property
    def archives(self) -> dict[str, dict[str, Slice]]:
        """The members of each archive.

        Raises:
            DataError: Where an archive is damaged, or holds other members than the manifest says.
        """
        return {name: self._members(name) for name in self.manifest.members}

    def _members(self, archive: str) -> dict[str, Slice]:
        found = read_zip(self.folder / archive, archive)
        named = self.manifest.members[archive]
        odd = sorted(found.keys() ^ named.keys())
        if odd:
            raise DataError(f"{archive} or manifest.json alone has {shown(odd[0])}")
        for name, member in found.items():
            if member.size != named[name].size:
                raise DataError(f"{archive}: {name} is not what manifest.json says", _AGAIN)
        return found

    @functools.cached_property
    def members(self) -> dict[str, Slice]:
        """All members by name."""
        return {name: one for members in self.archives.values() for name, one in members.items()}

    def check(self) -> None:
        """Refuses members that are not what the manifest or their name says.

        Raises:
            DataError: Naming the first.
        """
        seen: set[str] = set()
        for archive, members in self.archives.items():
            for name, member in members.items():
                digest = hashlib.sha256(member.view()).hexdigest()
                if digest != self.manifest.members[archive][name].sha256:
                    raise DataError(f"{archive}: {name} is not what manifest.json says", _AGAIN)
                stem = Path(name).stem
                if name.startswith(_BY_DIGEST) and not digest.startswith(stem):
                    raise DataError(f"{archive}: {name} has another name than its SHA-256")
                if name in seen and not name.startswith("scenes/"):
                    raise DataError(f"{name} is in two archives")
                seen.add(name)
                if name.startswith(("fits/", "weights/")):
                    check_weights(member, name)

    def named(self, prefix: str) -> Iterator[tuple[str, Slice]]:
        """Members whose names begin so."""
        return ((name, one) for name, one in self.members.items() if name.startswith(prefix))

    def bytes_of(self, name: str) -> bytes:
        """The content of a member.

        Raises:
            DataError: Where there is none of that name.
        """
        if name not in self.members:
            raise DataError(f"the board has no {name}", "publish it with its weights")
        return bytes(self.members[name].view())

    @functools.cached_property
    def tables(self) -> dict[str, str]:
        """The table that holds a prediction, by key.

        Raises:
            DataError: Where two hold the same.
        """
        found: dict[str, str] = {}
        for name, member in self.named("predictions/"):
            keys = keys_of_table(member, name)
            if keys & found.keys():
                raise DataError(f"predictions {shown(min(keys & found.keys()))} are there twice")
            found |= dict.fromkeys(keys, name)
        return found

    def prediction(self, key: str) -> Prediction:
        """A prediction of some table.

        Raises:
            DataError: Where the table is damaged.
        """
        return self._table(self.tables[key])[key]

    def predictions(self) -> Iterator[tuple[str, Prediction]]:
        """Key and content of every prediction, table after table.

        Raises:
            DataError: Where a table is damaged.
        """
        for name, _ in self.named("predictions/"):
            yield from self._table(name).items()

    @functools.cached_property
    def _kept(self) -> dict[str, dict[str, Prediction]]:
        return {}

    def _table(self, name: str) -> dict[str, Prediction]:
        """A whole table; the last few stay in memory, because predictions are read in order."""
        if name not in self._kept:
            while len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = {
                key: (self.scenes(scenes), _checked(arrays, len(self.scenes(scenes)), key))
                for key, scenes, arrays in read_predictions_table(self.members[name], name)
            }
        return self._kept[name]

    def scenes(self, digest: str) -> list[str]:
        """The scene ids of a digest.

        Raises:
            DataError: Where the board has no such list.
        """
        if digest not in self._scenes:
            name = f"scenes/{digest}.txt"
            if name not in self.members:
                raise DataError(f"the board has no {name}")
            self._scenes[digest] = read_scenes(self.members[name], name)
        return self._scenes[digest]

    @functools.cached_property
    def _scenes(self) -> dict[str, list[str]]:
        return {}


_KEPT = 4
_AGAIN = "fetch the board again"


def _checked(arrays: dict[str, np.ndarray], count: int, key: str) -> dict[str, np.ndarray]:
    for what, values in arrays.items():
        if len(values) != count:
            raise DataError(
                f"predictions {key}: {shown(what)} has {len(values)} rows for {count} scenes"
            )
    return arrays


def member_of(data: Slice) -> File:
    """Digest and size of a member."""
    return File(sha256=hashlib.sha256(data.view()).hexdigest(), size=data.size)
