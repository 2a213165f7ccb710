"""What a board's folder holds, how its files are named and how large they may be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

FORMAT: Final = 3
"""Version of the layout; a board of another one is refused."""

MANIFEST = "manifest.json"
RECORDS = "records.parquet"
STUDY = "study.toml"
ENVIRONMENT = "environment.json"
PROVENANCE = "provenance.json"
CITATIONS = "citations.json"
LIMITS = "limits.parquet"
"""How well any method could do; a board need not have it."""
README = "README.md"
READING = "READING.md"
"""What somebody reads from the board, in words; it stands in the README as well."""
PAGE = "index.html"

REQUIRED = (RECORDS, STUDY, ENVIRONMENT, PROVENANCE, CITATIONS, README)
KEY = r"[0-9a-f]{20}"

_MB, _GB = 10**6, 10**9
MAX_FILES = 200_000
"""Files and members of archives, together."""

MAX_TOTAL = 64 * _GB
MAX_MANIFEST = 64 * _MB
MAX_ARCHIVE = 2 * _GB
"""Bytes of one archive, and of one member."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file of a board.

    Attributes:
        pattern: What its whole name matches, folder included.
        form: What it is read as.
        limit: Bytes that one may have.
    """

    pattern: re.Pattern[str]
    form: str
    limit: int


FILES = (
    FileKind(re.compile(r"records\.parquet"), "Parquet", 2 * _GB),
    FileKind(re.compile(r"limits\.parquet"), "Parquet", 16 * _MB),
    FileKind(re.compile(r"study\.toml"), "TOML", _MB // 4),
    FileKind(re.compile(r"(environment|citations)\.json"), "JSON", 4 * _MB),
    FileKind(re.compile(r"provenance\.json"), "JSON", 512 * _MB),
    FileKind(re.compile(r"(README\.md|READING\.md|LICENSE)"), "text", _MB),
    FileKind(re.compile(r"[a-z0-9][a-z0-9-]{0,63}\.zip"), "archive", MAX_ARCHIVE),
    FileKind(re.compile(rf"predictions/{KEY}\.parquet"), "Parquet", 2 * _GB),
    FileKind(re.compile(rf"predictions/{KEY}\.h5"), "HDF5", 8 * _GB),
)

MEMBERS = (
    FileKind(re.compile(rf"predictions/{KEY}\.parquet"), "Parquet", MAX_ARCHIVE),
    FileKind(re.compile(rf"scores/{KEY}\.parquet"), "Parquet", MAX_ARCHIVE),
    FileKind(re.compile(rf"scenes/{KEY}\.txt"), "text", 512 * _MB),
    FileKind(re.compile(rf"(weights|fits)/{KEY}\.safetensors"), "safetensors", MAX_ARCHIVE),
)
"""What an archive may hold. Members of `predictions`, `scores` and `scenes` have the beginning of
their SHA-256 as name, fits and weights their key."""


def kind_of(name: str) -> FileKind | None:
    """The kind of a file by its name in the board; `None` where a board has no such file."""
    return next((kind for kind in FILES if kind.pattern.fullmatch(name)), None)


def member_kind(name: str) -> FileKind | None:
    """The kind of a member by its name in an archive; `None` where no archive has one such."""
    return next((kind for kind in MEMBERS if kind.pattern.fullmatch(name)), None)


def shown(value: object, length: int = 60) -> str:
    """A value as an error names it: printable, in one line, and no longer than this."""
    text = ascii(value[: length + 1] if isinstance(value, str) else value)
    return text if len(text) <= length + 2 else text[:length] + "…"
