"""Artefacts by kind and key, written whole or not at all and checked when read."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lensbench.errors import StoreError, no_room, one_line, room_in
from lensbench.store.claims import claimed, scratch, sweep_claims, sweep_scratch
from lensbench.store.keys import canonical
from lensbench.store.sidecars import seal, unseal

FORMAT = 2
"""Version of the layout and of what keys are made of; a store of another one is refused."""

OBJECTS = "objects"
"""Says of a store that its claims are objects, not locks: all who use it must use the same."""


class DamageWarning(UserWarning):
    """An artefact in the store is not what was written."""


def check_format(address: str, version: object) -> None:
    """Refuses a store that another version of lensbench wrote.

    Raises:
        StoreError: Naming the store and both formats.
    """
    if not isinstance(version, int):
        raise StoreError(
            f"the store {address!r} has format {version!r}, expected a number",
            "its store.json is damaged; name a new folder with --store",
        )
    if version > FORMAT:
        raise StoreError(
            f"the store {address!r} has format {version}, this lensbench knows {FORMAT}",
            "update lensbench or name another store with --store",
        )
    if version < FORMAT:
        raise StoreError(
            f"the store {address!r} has format {version}, whose keys this lensbench cannot find "
            f"(it knows {FORMAT})",
            "name a new folder with --store; boards that were published from it can still be read",
        )


class Store:
    """A folder of artefacts.

    An artefact is a file beside a JSON description: what it was made from and the SHA-256 of
    its bytes. The description is written last, so that a file without one does not count.

    Args:
        root: The folder; made where it is absent.

    Raises:
        StoreError: Where the folder cannot be written, was made by a newer version, or is that of
            a store behind a `file://` URL.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._verified: set[tuple[str, int, int, int]] = set()
        try:
            root.mkdir(parents=True, exist_ok=True)
            marker = root / "store.json"
            if marker.exists():
                known = json.loads(marker.read_text())
            else:
                known = {"format": FORMAT}
                self._replace(marker, json.dumps(known))
            version = known["format"]
            if known.get("claims") == OBJECTS:
                raise StoreError(
                    f"the store {str(root)!r} was begun by its URL and keeps its claims as objects",
                    f"name it by its URL here too: file://{root.resolve()}",
                )
            check_format(str(root), version)
            if os.access(root, os.W_OK):
                self.tidy()
        except (OSError, ValueError, KeyError, TypeError) as error:
            if full := no_room(error, str(root)):
                raise full from error
            raise StoreError(
                f"the store {str(root)!r} cannot be used: {error}",
                "name a folder that you can write with --store or LENSBENCH_STORE",
            ) from error

    def find(self, kind: str, key: str) -> Path | None:
        """The file of an artefact, or `None` where it is absent or damaged (with a warning)."""
        try:
            described = self._sidecar(kind, key)
            if described is None:
                return None
            path = self._folder(kind) / str(described["file"])
            if self._whole(path, described):
                return path
        except ValueError:
            pass
        message = f"{kind} {key} in the store is damaged; it is made again"
        warnings.warn(message, DamageWarning, stacklevel=2)
        return None

    def intact(self, kind: str, key: str) -> bool:
        """Whether an artefact is there, it and its description unchanged since they were written.

        A file is read for this once, as long as its size and time of change stay.
        """
        described = self.describe(kind, key)
        return described is not None and self._whole(
            self._folder(kind) / str(described["file"]), described
        )

    def describe(self, kind: str, key: str) -> dict[str, Any] | None:
        """What an artefact was made from, with its file and digest; `None` without a whole one."""
        try:
            return self._sidecar(kind, key)
        except ValueError:
            return None

    def measure(self, kind: str, key: str) -> tuple[int, float]:
        """Size of an artefact's file [bytes], and when it was made or touched [s since 1970]."""
        described = self.describe(kind, key) or {}
        sidecar = self._folder(kind) / f"{key}.json"
        file = self._folder(kind) / str(described.get("file", ""))
        return file.stat().st_size if file.is_file() else 0, sidecar.stat().st_mtime

    def _sidecar(self, kind: str, key: str) -> dict[str, Any] | None:
        """The description of an artefact, `None` where it is absent.

        Raises:
            ValueError: Where it is damaged.
        """
        try:
            return unseal((self._folder(kind) / f"{key}.json").read_bytes())
        except OSError:
            return None

    def _whole(self, path: Path, described: Mapping[str, Any]) -> bool:
        """Whether a file is what its description says."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        known = (str(path), status.st_size, status.st_mtime_ns, status.st_ino)
        if known not in self._verified:
            if _sha256(path) != described["sha256"]:
                return False
            self._verified.add(known)
        return True

    @contextmanager
    def writing(
        self,
        kind: str,
        key: str,
        suffix: str,
        description: Mapping[str, Any],
        cost: Mapping[str, Any] | None = None,
    ) -> Iterator[Path]:
        """Gives a temporary path to write to; what was written becomes the artefact at the end.

        Args:
            kind: Of the artefact.
            key: Of the artefact.
            suffix: Of the file.
            description: What it is made from.
            cost: What making it cost; may be filled while it is written.
        """
        folder = self._folder(kind)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with room_in(str(self.root)), scratch(self._scratch) as temporary:
                path = temporary / f"{key}{suffix}"
                yield path
                sidecar = {
                    "file": path.name,
                    "sha256": _sha256(path),
                    "from": canonical(description),
                }
                if cost:
                    sidecar["cost"] = dict(cost)
                said = temporary / f"{key}.json"
                said.write_text(seal(sidecar))
                path.replace(folder / path.name)
                said.replace(folder / said.name)
        except OSError as error:
            raise StoreError(
                f"{kind} {key} cannot be written to {str(self.root)!r}: {one_line(error)}",
                "name another folder with --store",
            ) from error

    def cost(self, kind: str, key: str) -> dict[str, Any]:
        """What making an artefact cost, as far as that was noted."""
        described = self.describe(kind, key) or {}
        cost: dict[str, Any] = described.get("cost", {})
        return cost

    @contextmanager
    def claim(self, kind: str, key: str) -> Iterator[None]:
        """The right to make an artefact, which one process has at a time."""
        folder = self.root / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        with claimed(folder / f"{kind}-{key}"):
            yield

    def remove(self, kind: str, key: str) -> None:
        """Forgets an artefact, if it is there, damaged or not."""
        folder = self._folder(kind)
        if not (folder / f"{key}.json").exists():
            return
        described = self.describe(kind, key)
        files = [folder / str(described["file"])] if described else folder.glob(f"{key}.*")
        (folder / f"{key}.json").unlink(missing_ok=True)
        for path in files:
            path.unlink(missing_ok=True)

    def touch(self, kind: str, key: str) -> None:
        """Makes an artefact the latest of its kind."""
        (self._folder(kind) / f"{key}.json").touch()

    def stored(self, kind: str) -> set[str]:
        """Keys of all artefacts of a kind, not looked at more closely."""
        try:
            with os.scandir(self._folder(kind)) as entries:
                return {entry.name[:-5] for entry in entries if entry.name.endswith(".json")}
        except FileNotFoundError:
            return set()

    def keys(self, kind: str) -> list[str]:
        """Keys of all artefacts of a kind, oldest first."""
        files = self._folder(kind).glob("*.json")
        return [file.stem for file in sorted(files, key=lambda file: file.stat().st_mtime)]

    def _folder(self, kind: str) -> Path:
        return self.root / kind

    def tidy(self) -> None:
        """Removes what processes left behind that died."""
        sweep_scratch(self._scratch)
        sweep_claims(self.root / "claims")

    @property
    def address(self) -> str:
        """What `open_store` opens this store by, in any process."""
        return str(self.root.resolve())

    @property
    def _scratch(self) -> Path:
        return self.root / "writing"

    def replace_text(self, path: Path, text: str) -> None:
        """Writes a small file of the store, so that readers see the old text or the new."""
        self._replace(path, text)

    def share(self, path: Path) -> None:
        """Lets other machines see a small file of the store that was changed in place."""

    def read_text(self, path: Path) -> str | None:
        """A small file of the store as it is for all machines; `None` where there is none."""
        try:
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def folders(self, path: Path) -> list[str]:
        """Names of the folders in a folder of the store."""
        return sorted(one.name for one in path.glob("*/"))

    def _replace(self, path: Path, text: str) -> None:
        with scratch(self._scratch) as temporary:
            (temporary / path.name).write_text(text)
            (temporary / path.name).replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
