"""One table as rows of texts: CSV, TSV, ECSV, JSON Lines, VOTable, Parquet or FITS."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lensbench.data.names import columns_and_units
from lensbench.data.readers import fits
from lensbench.data.readers.guard import reading
from lensbench.data.readers.parquet import ParquetRows
from lensbench.errors import DataError

TEXTS = (".csv", ".tsv", ".ecsv", ".jsonl", ".vot", ".votable")
_FILES = (
    "file",
    "filename",
    "file_name",
    "file name",
    "image",
    "image_name",
    "image_file",
    "image_path",
    "image_id",
    "file_path",
    "filepath",
    "path",
    "name",
    "id",
    "object_id",
    "objid",
    "source_id",
)
_MAX_BYTES = 2**28
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
"""A number as spreadsheets write it in many languages, whose columns a semicolon or tab parts."""

Row = Mapping[str, str]


def rows_in_order(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows as they follow each other, and units by column."""
    with reading(path, "table"):
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{str(path)!r} is larger than a table of images", "name another")
        suffix = path.suffix.lower()
        return _FORMS.get(suffix, _csv if suffix in TEXTS else _fits)(path)


def key_of(row: Row) -> str:
    """The column that names the images of rows: by its name, else the first."""
    lowered = {name.lower(): name for name in row}
    return next((lowered[name] for name in _FILES if name in lowered), next(iter(row)))


def rows_of_file(path: Path) -> tuple[dict[str, Row], dict[str, str]]:
    """Rows by the file that they are of, and units by column."""
    read, units = rows_in_order(path)
    if not read:
        return {}, {}
    key = key_of(read[0])
    with reading(path, "table"):
        names = [row[key].replace("\\", "/").removeprefix("./") for row in read]
        rows = dict(zip(names, read, strict=True))
        if len(rows) < len(read):
            twice = Counter(names).most_common(1)[0][0]
            raise DataError(
                f"{str(path)!r} has several rows of {twice!r} in its column {key!r}",
                "an image has one row: delete the others",
            )
        return rows, units


def _csv(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows of a CSV; lines before the one that names columns (`#`) are passed over."""
    content = io.StringIO(_decoded(path.read_bytes()), newline="")
    lines = [line for line in content if line.strip() and not line.startswith("#")]
    if not lines or "\0" in lines[0] or lines[0].lstrip().startswith("<"):
        raise DataError(f"{str(path)!r} is not a CSV table", "expected one line of column names")
    first = lines[0]
    mark = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    read = list(csv.DictReader(lines, delimiter=mark, skipinitialspace=True))
    plain, units = columns_and_units(name for name in read[0] if name) if read else ({}, {})
    rows: list[Row] = [
        {
            plain[k]: _number((v or "").strip()) if mark != "," else (v or "").strip()
            for k, v in row.items()
            if isinstance(v, str | None) and k in plain
        }
        for row in read
    ]
    return rows, units


def _decoded(content: bytes) -> str:
    """A text as spreadsheets save it: UTF-8 or UTF-16 with a mark, UTF-8, or that of Windows."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _number(cell: str) -> str:
    """A cell with a decimal point where it is a number with a decimal comma."""
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell


def _jsonl(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows of JSON Lines, such as `metadata.jsonl` of `datasets`; lists and objects are no cells.

    Raises:
        DataError: Where a line is no JSON object.
    """
    lines = [line for line in _decoded(path.read_bytes()).splitlines() if line.strip()]
    read = [json.loads(line) for line in lines]
    if not all(isinstance(row, dict) for row in read):
        raise DataError(f"{str(path)!r} is no table", "expected one JSON object a line")
    names = dict.fromkeys(name for row in read for name in row)
    plain, units = columns_and_units(names)
    cells = [{n: v for n, v in row.items() if not isinstance(v, list | dict)} for row in read]
    rows: list[Row] = [
        {plain[n]: "" if row.get(n) is None else _text(row[n]) for n in names} for row in cells
    ]
    return rows, units


def _votable(path: Path) -> tuple[list[Row], dict[str, str]]:
    from astropy.table import Table as AstropyTable

    return _astropy(AstropyTable.read(path, format="votable"))


def _ecsv(path: Path) -> tuple[list[Row], dict[str, str]]:
    from astropy.table import Table as AstropyTable

    return _astropy(AstropyTable.read(path, format="ascii.ecsv"))


def _fits(path: Path) -> tuple[list[Row], dict[str, str]]:
    from astropy.table import Table as AstropyTable

    with fits.opened(path) as units:
        return _astropy(AstropyTable.read(units, format="fits"))


def _astropy(table: Any) -> tuple[list[Row], dict[str, str]]:
    flat = [name for name in table.colnames if table[name].ndim == 1]
    plain, units = columns_and_units(flat)
    units |= {plain[name]: str(table[name].unit) for name in flat if table[name].unit is not None}
    return [{plain[name]: _text(row[name]) for name in flat} for row in table], units


def _parquet(path: Path) -> tuple[list[Row], dict[str, str]]:
    table = ParquetRows(path)
    columns = table.whole(table.types)
    texts = {name: ["" if v is None else _text(v) for v in of] for name, of in columns.items()}
    rows = [dict(zip(texts, values, strict=True)) for values in zip(*texts.values(), strict=True)]
    plain, units = columns_and_units(texts)
    return [{plain[name]: value for name, value in row.items()} for row in rows], units


_FORMS: Mapping[str, Callable[[Path], tuple[list[Row], dict[str, str]]]] = {
    ".ecsv": _ecsv,
    ".jsonl": _jsonl,
    ".vot": _votable,
    ".votable": _votable,
    ".parquet": _parquet,
}


def _text(value: object) -> str:
    text = (value.decode() if isinstance(value, bytes) else str(value)).strip()
    return "" if text in ("--", "nan", "masked") else text
