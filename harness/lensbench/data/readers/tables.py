"""CSV and FITS tables beside images: a row an image, found by file name."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from lensbench.data.picture import Selection
from lensbench.data.readers import fits
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.errors import DataError

_FILES = ("file", "filename", "file_name", "image", "path", "name", "id")
_MAX_BYTES = 2**28

Row = Mapping[str, str]


def find_table(folder: Path, selection: Selection) -> tuple[Path, dict[str, Row]] | None:
    """The table of a folder's images, its rows by the name or stem of the image file.

    Looked for in the folder, then above it (where paths are relative to it).

    Raises:
        DataError: Where the table named is not there or cannot be read.
    """
    if selection.table:
        named = Path(selection.table)
        path = named if named.exists() else folder / selection.table
        if not path.exists():
            raise DataError(f"there is no table {selection.table!r}", "--table names a CSV or FITS")
        return path, _rows(path)
    for place in (folder, folder.parent):
        for path in sorted(place.glob("*.csv")):
            rows = _rows(path)
            if rows:
                return path, rows
    return None


def row_of(rows: Mapping[str, Row], file: Path) -> Row:
    """The row of an image file: by `folder/name`, by name, then by stem; empty where none is."""
    stem = file.name.partition(".")[0]
    for key in (f"{file.parent.name}/{file.name}", file.name, file.stem, stem):
        if key in rows:
            return rows[key]
    digits = "".join(c if c.isdecimal() else " " for c in stem).split()
    return rows.get(str(int(digits[-1])), {}) if digits else {}


def label_of(row: Row, selection: Selection) -> str:
    """The class that a row states, in the column named or the first that sounds like one.

    Raises:
        DataError: Where the column named is not there.
    """
    if selection.labels:
        if row and selection.labels not in row:
            raise DataError(f"the table has no column {selection.labels!r}", ", ".join(row))
        return row.get(selection.labels, "")
    return next((row[name] for name in row if name.lower() in (*LABEL_NAMES, "kind")), "")


def numbers_of(row: Row) -> dict[str, float]:
    """The columns of a row that are numbers."""
    numbers = {}
    for name, text in row.items():
        try:
            numbers[name] = float(text)
        except ValueError:
            continue
    return numbers


def _rows(path: Path) -> dict[str, Row]:
    with reading(path, "table"):
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{str(path)!r} is larger than a table of images", "name another")
        read = _csv(path) if path.suffix.lower() in (".csv", ".txt", ".tsv") else _fits(path)
        if not read:
            return {}
        lowered = {name.lower(): name for name in read[0]}
        key = next((lowered[name] for name in _FILES if name in lowered), next(iter(read[0])))
        return {row[key]: row for row in read}


def _csv(path: Path) -> list[Row]:
    """Rows of a CSV; lines before the one that names columns (`#`) are passed over."""
    with path.open(newline="", encoding="utf-8", errors="strict") as file:
        lines = [line for line in file if line.strip() and not line.startswith("#")]
    if not lines or "\0" in lines[0] or lines[0].lstrip().startswith("<"):
        raise DataError(f"{str(path)!r} is not a CSV table", "expected one line of column names")
    return [
        {
            str(k).strip(): (v or "").strip()
            for k, v in row.items()
            if isinstance(v, str | None) and k
        }
        for row in csv.DictReader(lines)
    ]


def _fits(path: Path) -> list[Row]:
    from astropy.table import Table

    with fits.opened(path) as units:
        table = Table.read(units, format="fits")
    return [
        {name: _text(row[name]) for name in table.colnames if table[name].ndim == 1}
        for row in table
    ]


def _text(value: object) -> str:
    return (value.decode() if isinstance(value, bytes) else str(value)).strip()
