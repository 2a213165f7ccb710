"""One table as rows of texts: CSV, TSV, ECSV, JSON, VOTable, plain text, Parquet or FITS."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lensbench.data.names import columns_and_units
from lensbench.data.readers import fits
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.readers.parquet import ParquetRows
from lensbench.data.texts import is_number, text_of
from lensbench.errors import DataError
from lensbench.files import unzipped

LOOSE = (".json", ".txt", ".dat", ".cat", ".tbl")
"""Suffixes of tables and of much else: such a file is a table where it can be read as one."""

TEXTS = (".csv", ".tsv", ".ecsv", ".jsonl", ".vot", ".votable", *LOOSE)
"""Suffixes of tables of text, which gzip may have compressed."""

_ABOUT = re.compile(
    r"(readme|requirements|licen[cs]e|citation|changelog|copying|manifest|sha\d*sums?|md5sums?|thumbs\.db|desktop\.ini)"
    r"|.*\.(md|rst|py|ipynb|sh|pdf|html|log|bib|toml|ya?ml|sha256|md5)$",
    re.IGNORECASE,
)
"""Files about data, which hold none."""

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
)
_IDS = ("name", "id", "object_id", "objid", "source_id")
_NUMBERED = re.compile(r"(id|number|num|index|idx|rank|name|object)$", re.IGNORECASE)
"""Ends of the names of columns of identifiers."""

_MAX_BYTES = 2**28
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
"""A number as spreadsheets write it in many languages, whose columns a semicolon or tab parts."""

_FRACTION = re.compile(r"[+-]?\d*\.\d+")
_IMAGE = re.compile(r"\.(npy|npz|fits?|fts|png|jpe?g|tiff?)(\.(gz|fz))?$", re.IGNORECASE)
"""End of the name of an image."""

Row = Mapping[str, str]


def is_about_data(name: str) -> bool:
    """Whether a file is of those about data, which hold none."""
    return bool(_ABOUT.match(name))


def text_suffix(name: str) -> str:
    """The suffix of a table of text, in small letters and without that of gzip; else empty."""
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    return suffix if suffix in TEXTS else ""


def rows_in_order(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows as they follow each other, and units by column."""
    with reading(path, "table"):
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{str(path)!r} is larger than a table of images", "name another")
        suffix = text_suffix(path.name)
        if suffix:
            packed = path.name.lower().endswith(".gz")
            content = unzipped(path).read() if packed else path.read_bytes()
            return _FORMS.get(suffix, _csv)(path, content)
        return (_parquet if path.suffix.lower() == ".parquet" else _fits)(path)


def keys_in(rows: Sequence[Row], loose: bool = False) -> list[str]:
    """Columns that may name the images of rows, likeliest first.

    Those of files alone where there are some; else those of identifiers, others of names, and the
    first if its cells differ.

    Args:
        rows: Of a table.
        loose: Whether the first has to have names and no numbers.
    """
    lowered = {name.lower(): name for name in rows[0]}
    files = [lowered[name] for name in _FILES if name in lowered]
    if files:
        return files
    known = [lowered[name] for name in _IDS if name in lowered]
    rest = [name for name in rows[0] if name not in known and name.lower() not in LABEL_NAMES]
    distinct = [name for name in rest if len({row.get(name) for row in rows}) == len(rows)]
    numbered = [name for name in distinct if _NUMBERED.search(name)]
    texts = [name for name in distinct if any(map(_has_letters, (row[name] for row in rows)))]
    first = next(iter(rows[0]))
    leading = [first] if first in distinct and not loose else []
    found = list(dict.fromkeys([*known, *numbered, *texts, *leading]))
    return found or ([] if loose else [first])


def _has_letters(cell: str) -> bool:
    return bool(re.search(r"[^\W\d_]", cell)) and not is_number(cell)


def rows_by(path: Path, read: Sequence[Row], key: str) -> dict[str, Row]:
    """Rows by the file that they are of, which a column names.

    Raises:
        DataError: Where two rows name one file.
    """
    with reading(path, "table"):
        names = [row[key].replace("\\", "/").removeprefix("./") for row in read]
        rows = dict(zip(names, read, strict=True))
        if len(rows) < len(read):
            twice = Counter(names).most_common(1)[0][0]
            raise DataError(
                f"{str(path)!r} has several rows of {twice!r} in its column {key!r}",
                "an image has one row: delete the others",
            )
        return rows


def _csv(path: Path, content: bytes) -> tuple[list[Row], dict[str, str]]:
    """Rows of a CSV; lines before the one that names columns (`#`) are passed over."""
    text = io.StringIO(_decoded(content), newline="")
    lines = [line for line in text if line.strip() and not line.startswith("#")]
    if not lines or "\0" in lines[0] or lines[0].lstrip().startswith("<"):
        raise DataError(f"{str(path)!r} is not a CSV table", "expected one line of column names")
    first = lines[0]
    mark = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    lines, stated = _without_rule(_headed(lines, mark), mark)
    read = list(csv.DictReader(lines, delimiter=mark, skipinitialspace=True))
    plain, units = columns_and_units(name for name in read[0] if name) if read else ({}, {})
    units |= {plain[name]: unit for name, unit in stated.items() if name in plain and unit}
    rows: list[Row] = [
        {
            plain[k]: _number((v or "").strip()) if mark != "," else (v or "").strip()
            for k, v in row.items()
            if isinstance(v, str | None) and k in plain
        }
        for row in read
    ]
    return rows, units


def _headed(lines: list[str], mark: str) -> list[str]:
    """Lines of a table with one of names, where the first has an image or numbers alone.

    The last of two columns, or the only one, are classes, or values where they are fractions.
    """
    cells = next(csv.reader(lines[:1], delimiter=mark, skipinitialspace=True))
    images = [n for n, cell in enumerate(cells) if _IMAGE.search(cell.strip())]
    if not images and not all(map(is_number, cells)):
        return lines
    names = [f"column{n}" for n in range(len(cells))]
    if len(cells) <= 2:
        names[-1] = "value" if _FRACTION.match(cells[-1].strip()) else "label"
    for place in images[:1]:
        names[place] = _FILES[0]
    return [mark.join(names) + "\n", *lines]


def _without_rule(lines: list[str], mark: str) -> tuple[list[str], dict[str, str]]:
    """Lines without a rule of dashes below the head, and units where a line of them is above it."""
    for place, line in enumerate(lines[1:3], 1):
        if set(line.strip()) <= set(f"- {mark}") and "--" in line:
            head = csv.reader([line.strip("\r\n") for line in lines[:place]], delimiter=mark)
            names, *units = head
            known = dict(zip(names, units[0], strict=False)) if units else {}
            return [lines[0], *lines[place + 1 :]], known
    return lines, {}


def _plain(path: Path, content: bytes) -> tuple[list[Row], dict[str, str]]:
    """Rows of a table in any form of plain text that astropy knows, such as those of SExtractor.

    Raises:
        DataError: Where it is none, or has one column.
    """
    from astropy.table import Table as AstropyTable

    lines = [line for line in _decoded(content).splitlines() if line.strip()]
    if lines and not lines[0].startswith("#"):  # where the names of columns may be
        lines = _headed([" ".join(line.split()) for line in lines], " ")
    table = AstropyTable.read(lines, format="ascii")
    if len(table.colnames) < 2:
        raise DataError(f"{str(path)!r} is no table", "expected several columns")
    return _astropy(table)


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


def _jsonl(path: Path, content: bytes) -> tuple[list[Row], dict[str, str]]:
    """Rows of JSON Lines, such as `metadata.jsonl` of `datasets`; lists and objects are no cells.

    Raises:
        DataError: Where a line is no JSON object.
    """
    lines = [line for line in _decoded(content).splitlines() if line.strip()]
    return _objects(path, [json.loads(line) for line in lines])


def _json(path: Path, content: bytes) -> tuple[list[Row], dict[str, str]]:
    """Rows of JSON: a list of objects, objects or classes by name, lists by column, or one object.

    One object alone is of the image that is called as its file is. What pandas writes are columns.

    Raises:
        DataError: Where it is none of these.
    """
    read = json.loads(_decoded(content))
    inner = list(read.values()) if isinstance(read, dict) else []
    if len(inner) == 1 and isinstance(inner[0], list):
        read, inner = inner[0], []
    if inner and all(isinstance(one, dict) for one in inner):
        if {name for one in inner for name in one} == set(map(str, range(len(inner[0])))):
            inner = [list(one.values()) for one in inner]  # columns of numbered rows
        else:
            read = [{_FILES[0]: name, **one} for name, one in read.items()]
    if inner and all(isinstance(one, list) for one in inner):
        read = [dict(zip(read, cells, strict=True)) for cells in zip(*inner, strict=True)]
    if isinstance(read, dict):  # of one image, or classes by name
        beside = path.name.partition(".")[0]
        is_row = any(f.stem == beside and f != path for f in path.parent.glob(f"{beside}.*"))
        rows = [{_FILES[0]: name, "label": value} for name, value in read.items()]
        read = [{_FILES[0]: beside, **read}] if is_row else rows
    return _objects(path, read)


def _objects(path: Path, read: Any) -> tuple[list[Row], dict[str, str]]:
    if not isinstance(read, list) or not all(isinstance(row, dict) for row in read):
        raise DataError(f"{str(path)!r} is no table", "expected JSON objects, one a row")
    names = dict.fromkeys(name for row in read for name in row)
    plain, units = columns_and_units(names)
    cells = [{n: v for n, v in row.items() if not isinstance(v, list | dict)} for row in read]
    rows: list[Row] = [
        {plain[n]: "" if row.get(n) is None else _text(row[n]) for n in names} for row in cells
    ]
    return rows, units


def _votable(path: Path, content: bytes) -> tuple[list[Row], dict[str, str]]:
    from astropy.table import Table as AstropyTable

    return _astropy(AstropyTable.read(io.BytesIO(content), format="votable"))


def _ecsv(path: Path, content: bytes) -> tuple[list[Row], dict[str, str]]:
    from astropy.table import Table as AstropyTable

    return _astropy(AstropyTable.read(_decoded(content).splitlines(), format="ascii.ecsv"))


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


_FORMS: Mapping[str, Callable[[Path, bytes], tuple[list[Row], dict[str, str]]]] = {
    ".ecsv": _ecsv,
    ".jsonl": _jsonl,
    ".json": _json,
    ".vot": _votable,
    ".votable": _votable,
    **dict.fromkeys((".txt", ".dat", ".cat", ".tbl"), _plain),
}


def _text(value: object) -> str:
    text = text_of(value).strip()
    return "" if text in ("--", "nan", "masked") else text
