"""A store behind a URL: artefacts are fetched into a folder here, what is made is sent there."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lensbench.errors import StoreError
from lensbench.store.artefacts import FORMAT, Store

_RENEWED = 10.0
_STALE = 60.0
"""Seconds between the renewals of a claim, and after which one that was not renewed is void."""


class RemoteStore(Store):
    """A store on any file system that fsspec knows, e.g. `s3://bucket/folder`.

    Files are kept in a folder of this machine as well: `LENSBENCH_CACHE`, or a temporary one.
    Claims are objects that are made only where there is none, and renewed while they are held.

    Args:
        url: Of the store's folder.

    Raises:
        StoreError: Where the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        import fsspec

        self.url = url
        given = os.environ.get("LENSBENCH_CACHE")
        cache = Path(given) if given else Path(tempfile.mkdtemp(prefix="lensbench-cache-"))
        if not given:
            atexit.register(shutil.rmtree, cache, ignore_errors=True)
        try:
            self._fs, self._base = fsspec.url_to_fs(url)
            self._fs.makedirs(self._base, exist_ok=True)
            self._check_format()
        except Exception as error:  # each file system has errors of its own
            raise self._told(error) from error
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
            text = self._fs.cat_file(self._path(kind, f"{key}.json"))
            described: dict[str, Any] = json.loads(text)
        except (OSError, ValueError):
            return None
        return described

    def find(self, kind: str, key: str) -> Path | None:
        """The file of an artefact, of the cache or fetched; `None` where absent or damaged."""
        if super().describe(kind, key) is None:
            self._fetch(kind, key)
        return super().find(kind, key)

    def intact(self, kind: str, key: str) -> bool:
        """Whether an artefact is there and whole; it is fetched for this."""
        if super().describe(kind, key) is None:
            self._fetch(kind, key)
        return super().intact(kind, key)

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
        for name in (f"{key}{suffix}", f"{key}.json"):
            self._send(self.root / kind / name)

    def replace_text(self, path: Path, text: str) -> None:
        """Writes a small file here and there."""
        super().replace_text(path, text)
        if path.name != "store.json":
            self._send(path)

    @contextlib.contextmanager
    def claim(self, kind: str, key: str) -> Iterator[None]:
        """The right to make an artefact, of all processes on this and other machines."""
        path = self._path("claims", f"{kind}-{key}")
        mine = secrets.token_hex(8)
        while not self._claim(path, mine):
            time.sleep(0.5)
        ended = threading.Event()
        renewer = threading.Thread(target=self._renew, args=(path, mine, ended), daemon=True)
        renewer.start()
        try:
            yield
        finally:
            ended.set()
            renewer.join()
            with contextlib.suppress(OSError):
                self._fs.rm_file(path)

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
        described = self.describe(kind, key)
        if described is None:
            return
        folder = self.root / kind
        folder.mkdir(parents=True, exist_ok=True)
        name = str(described["file"])
        partial = folder / f"{name}.{secrets.token_hex(4)}"
        try:
            self._fs.get_file(self._path(kind, name), str(partial))
        except FileNotFoundError:
            return
        partial.replace(folder / name)
        super().replace_text(folder / f"{key}.json", json.dumps(described, indent=1))

    def _send(self, path: Path) -> None:
        try:
            target = self._path(*path.relative_to(self.root).parts)
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._fs.put_file(str(path), target)
        except Exception as error:  # each file system has errors of its own
            raise self._told(error) from error

    def _claim(self, path: str, mine: str) -> bool:
        """Makes the claim where there is none, or takes over one that was not renewed."""
        self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        try:
            self._fs.pipe_file(path, self._token(mine), mode="create")
            return True
        except FileExistsError:
            pass
        try:
            when = float(self._fs.cat_file(path).decode().partition(" ")[2])
        except (OSError, ValueError):
            return False
        if time.time() - when > _STALE:
            with contextlib.suppress(OSError):
                self._fs.rm_file(path)
        return False

    def _renew(self, path: str, mine: str, ended: threading.Event) -> None:
        while not ended.wait(_RENEWED):
            with contextlib.suppress(OSError):
                self._fs.pipe_file(path, self._token(mine))

    def _token(self, mine: str) -> bytes:
        return f"{mine} {time.time()}".encode()

    def _check_format(self) -> None:
        marker = self._path("store.json")
        if not self._fs.exists(marker):
            self._fs.pipe_file(marker, json.dumps({"format": FORMAT}).encode())
            return
        version = json.loads(self._fs.cat_file(marker))["format"]
        if version > FORMAT:
            raise StoreError(f"it has format {version}, this lensbench knows {FORMAT}")

    def _path(self, *parts: str) -> str:
        return "/".join((self._base.rstrip("/"), *parts))

    def _told(self, error: Exception) -> StoreError:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        return StoreError(
            f"the store {self.url!r} cannot be used: {what}",
            "see the settings of fsspec for this kind of URL, or name a folder with --store",
        )
