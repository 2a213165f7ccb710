"""Claims on file systems without locks: objects that are made only where there is none."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fsspec.asyn import AsyncFileSystem

RENEWED = 10.0
"""Seconds between the renewals of a claim."""

STALE = 60.0
"""Seconds after which a claim that was not renewed is void, by the clock of the one who waits."""

_ASKED = 0.5
"""Seconds between two attempts of one who waits."""


@contextlib.contextmanager
def far_claimed(fs: Any, path: str) -> Iterator[None]:
    """Waits until no other process, on any machine, holds the claim of a path, then holds it.

    Args:
        fs: A file system of fsspec that can create a file exclusively.
        path: Of the claim; its folder exists.
    """
    mine = secrets.token_hex(8)
    seen = _Seen()
    while not _take(fs, path, mine, seen):
        time.sleep(_ASKED)
    ended = threading.Event()
    renewer = threading.Thread(target=_renew, args=(fs, path, mine, ended), daemon=True)
    renewer.start()
    try:
        yield
    finally:
        ended.set()
        renewer.join()
        _give_back(fs, path, mine)


@dataclass
class _Seen:
    """What one who waits saw of a claim, and since when it is unchanged."""

    content: bytes | None = None
    since: float = 0.0
    ticket: _Seen | None = field(default=None)


def _take(fs: Any, path: str, mine: str, seen: _Seen) -> bool:
    """Makes the claim where there is none, or takes over one that was not renewed.

    To take over one must hold a claim on doing so, which bears the mark of the void one: whoever
    comes late with it finds another mark in the claim and leaves it alone.
    """
    if _create(fs, path, mine):
        return True
    content = _read(fs, path)
    if content != seen.content:
        seen.content, seen.since, seen.ticket = content, time.monotonic(), None
        return False
    if content is None or time.monotonic() - seen.since < STALE:
        return False
    ticket = f"{path}.{hashlib.sha256(content).hexdigest()[:16]}"
    seen.ticket = seen.ticket or _Seen()
    if not _take(fs, ticket, mine, seen.ticket):
        return False
    try:
        if _read(fs, path) != content:
            return False
        fs.pipe_file(path, _token(mine))
        return True
    finally:
        _give_back(fs, ticket, mine)


def _create(fs: Any, path: str, mine: str) -> bool:
    """Makes an object where there is none.

    Object stores do so in one request. The way that fsspec has for all others looks first and
    writes then, so there a file is opened exclusively.
    """
    token = _token(mine)
    try:
        if isinstance(fs, AsyncFileSystem) or "pipe_file" in vars(type(fs)):
            fs.pipe_file(path, token, mode="create")
        else:
            with fs.open(path, "xb") as file:
                file.write(token)
    except FileExistsError:
        return False
    return True


def _renew(fs: Any, path: str, mine: str, ended: threading.Event) -> None:
    """Shows that the holder lives, until the claim is given back or was taken over."""
    while not ended.wait(RENEWED):
        with contextlib.suppress(OSError):
            if _owner(_read(fs, path)) != mine:
                return
            fs.pipe_file(path, _token(mine))


def _give_back(fs: Any, path: str, mine: str) -> None:
    with contextlib.suppress(OSError):
        if _owner(_read(fs, path)) == mine:
            fs.rm_file(path)


def _read(fs: Any, path: str) -> bytes | None:
    """What tells a claim from any other, and from itself before it was renewed."""
    try:
        content = bytes(fs.cat_file(path))
        if content:
            return content
        info = fs.info(path)  # made by one that has not written, or died before
    except FileNotFoundError:
        return None
    made = [info.get(name) for name in ("created", "mtime", "ino", "LastModified")]
    return f" {made}".encode()


def _owner(content: bytes | None) -> str:
    return (content or b"").decode(errors="replace").partition(" ")[0]


def _token(mine: str) -> bytes:
    """Another text at each renewal."""
    return f"{mine} {secrets.token_hex(4)}".encode()
