"""Reads files that others made: regular files only, and within limits.

Every reader of user files goes through this module, so that no file makes lensbench wait for ever,
fill the memory or recurse without end. Each refusal is one line that names the file.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from lensbench.errors import DataError

MAX_DOCUMENT = 2**26
"""Bytes of a text document: JSON, TOML or Markdown."""

MAX_NESTING = 64
"""Levels of brackets in a JSON or TOML document."""

MAX_DECODED = 2**33
"""Bytes that a compressed file may become."""

FREE_DECODED = 2**28
"""Bytes that any compressed file may become, however small it is."""

MAX_EXPANSION = 100
"""Bytes that a byte of a compressed file may become, beyond `FREE_DECODED`."""

MAX_DEPTH = 32
"""Levels of folders below the one that a user names."""

MAX_MEMBERS = 100_000
"""Members of one archive, or datasets and extensions of one file."""

PATIENCE = 1.0
"""Seconds of work before its progress is reported, and again before it is printed."""

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")

T = TypeVar("T")

StageReport = Callable[[str, int, int, str], None]
"""Receives progress: stage, steps done, steps in all (0 where unknown), and a note."""

CountReport = Callable[[int, int, str], None]
"""Receives progress of one stage: steps done, steps in all, and a note."""

_REPORT: ContextVar[StageReport | None] = ContextVar("report", default=None)


def check_file(path: Path | str) -> None:
    """Refuses a path whose reading may never end; regular files, folders and absent paths pass.

    Raises:
        DataError: Where the path is a named pipe, a socket or a device.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return  # opening it says what is wrong
    _refuse(path, mode)


def open_file(path: Path) -> BinaryIO:
    """Opens a regular file for reading.

    Raises:
        DataError: Where it is anything else.
        OSError: Where it is absent or cannot be read.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # opening a named pipe does not wait
    try:
        _refuse(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _refuse(path: Path | str, mode: int) -> None:
    for is_kind, name in _KINDS:
        if is_kind(mode):
            raise DataError(
                f"{str(path)!r} is {name}, expected a regular file",
                "write its content to a file and name that",
            )


def read_document(path: Path, limit: int = MAX_DOCUMENT) -> bytes:
    """The content of a small regular file.

    Raises:
        DataError: Where the file is larger than `limit` bytes, or not regular.
        OSError: Where it is absent or cannot be read.
    """
    with open_file(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise DataError(
            f"{str(path)!r} is larger than {limit} bytes, too large for a document of its kind",
            "the file is damaged, or not what its name says",
        )
    return content


def check_nesting(name: Path | str, text: str, limit: int = MAX_NESTING) -> None:
    """Refuses a JSON or TOML document that is nested too deeply for its parser.

    Brackets are counted everywhere, in quoted text too. Dots are counted line by line, since a
    TOML parser takes time with the square of the parts of a key; a quarter of them counts in
    quoted text, where a name of a model may have some.

    Raises:
        DataError: Naming the document.
    """
    deepest = depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth = max(0, depth - 1)
    dotted = max(map(_dots, text.splitlines()), default=0)
    if max(deepest, dotted) > limit:
        raise DataError(
            f"{str(name)!r} is nested more than {limit} levels deep",
            "the file is damaged or was made to do harm",
        )


def _dots(line: str) -> int:
    return max(_QUOTED.sub("", line).count("."), line.count(".") // 4)


def parse_toml(name: Path | str, text: str) -> dict[str, Any]:
    """A TOML document that others wrote.

    Raises:
        DataError: Naming the document, where it is nested too deeply.
        tomllib.TOMLDecodeError: Where it is no TOML.
    """
    check_nesting(name, text)
    return tomllib.loads(text)


def check_expansion(name: Path | str, packed: int, unpacked: int, most: int = MAX_DECODED) -> None:
    """Refuses compressed bytes that become far more than any image does.

    Args:
        name: Of the file, for the message.
        packed: Bytes on disk.
        unpacked: Bytes that they become, or have become so far.
        most: Bytes that they may become at once, however many are on disk.

    Raises:
        DataError: Where that is over `most`, or over both `FREE_DECODED` and `MAX_EXPANSION`
            times the bytes on disk.
    """
    allowed = min(most, max(FREE_DECODED, MAX_EXPANSION * packed))
    if unpacked > allowed:
        raise DataError(
            f"{str(name)!r} unpacks to {unpacked} bytes or more, at most {allowed} are allowed",
            "it is damaged or made to fill the memory; unpack it yourself if you trust it",
        )


def unzipped(path: Path) -> BinaryIO:
    """The content of a gzip file, unpacked into memory.

    Raises:
        DataError: Where it unpacks to far more than it should; see `check_expansion`.
        OSError: Where it is absent, cannot be read, or is no gzip file.
    """
    buffer = io.BytesIO()
    with open_file(path) as file, gzip.GzipFile(fileobj=file) as stream:
        packed = os.fstat(file.fileno()).st_size
        while part := stream.read(2**20):
            check_expansion(path, packed, buffer.tell() + len(part))
            buffer.write(part)
    buffer.seek(0)
    return buffer


def files_below(folder: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """Regular files in a folder and below it, in order of their names; hidden ones are left out.

    Links to files are followed, links to folders are not.

    Raises:
        DataError: Where folders are nested more deeply than `depth`.
    """
    waiting = [(folder, 0)]
    while waiting:
        place, level = waiting.pop()
        if level > depth:
            raise DataError(
                f"{str(folder)!r} has folders nested more than {depth} levels deep",
                "name the folder that holds the images",
            )
        with os.scandir(place) as entries:
            shown = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        yield from (Path(entry.path) for entry in shown if entry.is_file())
        below = [Path(entry.path) for entry in shown if entry.is_dir(follow_symlinks=False)]
        waiting += [(path, level + 1) for path in reversed(below)]


def check_members(name: Path | str, count: int, limit: int = MAX_MEMBERS) -> None:
    """Refuses a file of absurdly many parts.

    Raises:
        DataError: Where there are more than `limit`.
    """
    if count > limit:
        raise DataError(
            f"{str(name)!r} has {count} parts, at most {limit} are allowed",
            "the file is damaged or was made to do harm",
        )


@contextmanager
def reporting(report: StageReport) -> Iterator[None]:
    """Sends the progress of `watched` work inside to `report`."""
    token = _REPORT.set(report)
    try:
        yield
    finally:
        _REPORT.reset(token)


def watched(items: Iterable[T], stage: str, total: int = 0) -> Iterator[T]:
    """The same items, with a report each second once the work took longer than `PATIENCE`.

    Args:
        items: What is worked on, one after the other.
        stage: What the work is, e.g. `reading headers of FOLDER`.
        total: How many there are, 0 where that is unknown.
    """
    due = time.monotonic() + PATIENCE
    done = 0
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        report = _REPORT.get()
        if report is not None and now >= due:
            due = now + 1.0
            report(stage, done, total, "")
