"""A store behind a URL: artefacts are fetched into a folder here, what is made is sent there."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from lensbench.errors import StoreError
from lensbench.store.artefacts import FORMAT, OBJECTS, Store, check_format
from lensbench.store.claims import temporary_folder
from lensbench.store.far_claims import far_claimed
from lensbench.store.kinds import MADE_ONCE
from lensbench.store.sidecars import unseal


class RemoteStore(Store):
    """A store on any file system that fsspec knows, e.g. `s3://bucket/folder`.

    Files are kept in a folder of this machine as well: `LENSBENCH_CACHE`, or a temporary one.
    Claims are objects that are made only where there is none, and renewed while they are held. Were
    two to make one artefact nevertheless, what was sent first stays, so that all read the same.

    Args:
        url: Of the store's folder.

    Raises:
        StoreError: Where the URL cannot be used, or is that of a store begun as a folder.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        given = os.environ.get("LENSBENCH_CACHE")
        with contextlib.ExitStack() as held:
            cache = Path(given) if given else held.enter_context(temporary_folder())
            atexit.register(held.pop_all().close)
        try:
            self._fs, self._base = fsspec.url_to_fs(url)
            self._fs.makedirs(self._path("claims"), exist_ok=True)
            self._check_format()
        except StoreError:
            raise
        except Exception as error:  # each file system has errors of its own
            raise self._told(error) from error
        self._damaged: set[tuple[str, str]] = set()
        super().__init__(cache)

    @property
    def address(self) -> str:
        """The URL."""
        return self.url

    def describe(self, kind: str, key: str) -> dict[str, Any] | None:
        """What an artefact was made from, of the cache or fetched."""
        known = super().describe(kind, key)
        if known is not None:
            return known
        try:
            return unseal(self._fs.cat_file(self._path(kind, f"{key}.json")))
        except (OSError, ValueError):
            return None

    def find(self, kind: str, key: str) -> Path | None:
        """The file of an artefact, of the cache or fetched; `None` where absent or damaged."""
        if not super().intact(kind, key):
            self._fetch(kind, key)
        found = super().find(kind, key)
        if found is None and (self.root / kind / f"{key}.json").exists():
            self._damaged.add((kind, key))
        return found

    def intact(self, kind: str, key: str) -> bool:
        """Whether an artefact is there and whole; it is fetched for this."""
        if not super().intact(kind, key):
            self._fetch(kind, key)
        return super().intact(kind, key)

    def measure(self, kind: str, key: str) -> tuple[int, float]:
        """Size of an artefact's file [bytes], and when it was made [s since 1970], if known."""
        described = self.describe(kind, key) or {}
        try:
            info = self._fs.info(self._path(kind, str(described.get("file", f"{key}.json"))))
        except OSError:
            return 0, 0.0
        made = info.get("mtime") or info.get("LastModified") or info.get("created") or 0.0
        stamp = made.timestamp() if hasattr(made, "timestamp") else float(made)
        return int(info.get("size") or 0), stamp

    @contextlib.contextmanager
    def writing(
        self,
        kind: str,
        key: str,
        suffix: str,
        description: Mapping[str, Any],
        cost: Mapping[str, float] | None = None,
    ) -> Iterator[Path]:
        """Gives a temporary path; at the end the file is sent, then its description."""
        with super().writing(kind, key, suffix, description, cost) as path:
            yield path
        anew = kind not in MADE_ONCE or (kind, key) in self._damaged
        if not anew and self._fs.exists(self._path(kind, f"{key}.json")):
            self._fetch(kind, key)
            return
        for name in (f"{key}{suffix}", f"{key}.json"):
            self._send(self.root / kind / name)
        self._damaged.discard((kind, key))

    def replace_text(self, path: Path, text: str) -> None:
        """Writes a small file here and there."""
        super().replace_text(path, text)
        self._send(path)

    def share(self, path: Path) -> None:
        """Sends a small file."""
        self._send(path)

    def read_text(self, path: Path) -> str | None:
        """A small file as it is there."""
        try:
            text: bytes = self._fs.cat_file(self._there(path))
        except OSError:
            return None
        return text.decode(errors="replace")

    def folders(self, path: Path) -> list[str]:
        """Names of the folders in a folder there."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.ls(self._there(path), detail=True)
        except FileNotFoundError:
            return []
        return sorted(
            str(one["name"]).rstrip("/").rpartition("/")[2]
            for one in found
            if one["type"] == "directory"
        )

    @contextlib.contextmanager
    def claim(self, kind: str, key: str) -> Iterator[None]:
        """The right to make an artefact, of all processes on this and other machines."""
        with far_claimed(self._fs, self._path("claims", f"{kind}-{key}")):
            yield

    def remove(self, kind: str, key: str) -> None:
        """Forgets an artefact, here and there."""
        described = self.describe(kind, key)
        super().remove(kind, key)
        if described is not None:
            for name in (f"{key}.json", str(described["file"])):
                with contextlib.suppress(OSError):
                    self._fs.rm_file(self._path(kind, name))

    def touch(self, kind: str, key: str) -> None:
        """Makes an artefact the latest of its kind, here."""
        self.find(kind, key)
        super().touch(kind, key)

    def stored(self, kind: str) -> set[str]:
        """Keys of all artefacts of a kind."""
        self._fs.invalidate_cache()
        try:
            names = self._fs.ls(self._path(kind), detail=False)
        except FileNotFoundError:
            return set()
        return {Path(name).stem for name in names if str(name).endswith(".json")}

    def keys(self, kind: str) -> list[str]:
        """Keys of all artefacts of a kind."""
        return sorted(self.stored(kind))

    def _fetch(self, kind: str, key: str) -> None:
        """Brings an artefact here as it is there, whole or not; it goes here if it is not there."""
        super().remove(kind, key)
        folder = self.root / kind
        folder.mkdir(parents=True, exist_ok=True)
        text: bytes = b""
        try:
            text = self._fs.cat_file(self._path(kind, f"{key}.json"))
            name = Path(str(unseal(text)["file"])).name
            partial = folder / f"{secrets.token_hex(4)}.{name}"
            self._fs.get_file(self._path(kind, name), str(partial))
            partial.replace(folder / name)
        except FileNotFoundError:
            if not text:
                return
        except OSError as error:
            raise self._told(error) from error
        except ValueError:
            pass  # what is damaged there is told of when it is read here
        (folder / f"{key}.json").write_bytes(text)

    def _send(self, path: Path) -> None:
        try:
            target = self._there(path)
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(str(path), target)
        except Exception as error:  # each file system has errors of its own
            raise self._told(error) from error

    def _check_format(self) -> None:
        marker = self._path("store.json")
        if not self._fs.exists(marker):
            text = json.dumps({"format": FORMAT, "claims": OBJECTS})
            self._fs.pipe_file(marker, text.encode())
            return
        known = json.loads(self._fs.cat_file(marker))
        version = known["format"]
        check_format(self.url, version)
        if known.get("claims") != OBJECTS and isinstance(self._fs, LocalFileSystem):
            raise StoreError(
                f"the store {self.url!r} was begun as a folder and keeps its claims as locks",
                f"name it by its path here too, {self._base}, or begin another store",
            )

    def _path(self, *parts: str) -> str:
        return "/".join((self._base.rstrip("/"), *parts))

    def _there(self, path: Path) -> str:
        """The path there of a file here."""
        return self._path(*path.relative_to(self.root).parts)

    def _told(self, error: Exception) -> StoreError:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        return StoreError(
            f"the store {self.url!r} cannot be used: {what}",
            "see the settings of fsspec for this kind of URL, or name a folder with --store",
        )
