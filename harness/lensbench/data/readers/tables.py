"""CSV and FITS tables beside images: a row an image, found by file name."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lensbench.data.picture import Selection
from lensbench.data.readers import fits
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.splits import split_of
from lensbench.errors import DataError

_FILES = ("file", "filename", "file_name", "image", "path", "name", "id", "object_id")
_MAX_BYTES = 2**28
_UNIT = re.compile(r"^(.*?)\s*[\[(]([^\])]*)[\])]$")
SPLIT_NAMES = ("split", "fold", "partition", "subset")

Row = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """What the tables beside images say, merged.

    Attributes:
        files: The tables.
        rows: By the name or stem of the image file.
        splits: Of the rows whose table is named after a split, by the same.
        units: Of the columns that state one.
        passed_over: Tables above the folder that are of something else, with the reason.
    """

    files: tuple[Path, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)
    splits: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """Names of the files."""
        return ", ".join(file.name for file in self.files)


def find_table(folder: Path, selection: Selection) -> Table:
    """The tables of a folder's images; all CSV files of the folder, else of the one above it.

    Raises:
        DataError: Where the table named is not there, cannot be read, or two tables disagree.
    """
    if selection.table:
        named = Path(selection.table)
        path = named if named.exists() else folder / selection.table
        if not path.exists():
            raise DataError(f"there is no table {selection.table!r}", "--table names a CSV or FITS")
        return merged([path])
    found = merged(sorted(folder.glob("*.csv")))
    return found if found.rows else _above(folder)


def _above(folder: Path) -> Table:
    """Tables of the folder above: what is of other things is passed over."""
    usable: list[Path] = []
    reasons: list[str] = []
    for path in sorted(folder.parent.glob("*.csv")):
        try:
            merged([*usable, path])
        except DataError as error:
            reasons.append(f"{path.name}, in the folder above: {error.message}")
        else:
            usable.append(path)
    return replace(merged(usable), passed_over=tuple(reasons))


def merged(paths: Sequence[Path]) -> Table:
    """Tables as one: rows of the same image are joined.

    Raises:
        DataError: Where two tables say different things of one image.
    """
    rows: dict[str, dict[str, str]] = {}
    splits: dict[str, str] = {}
    units: dict[str, str] = {}
    origin: dict[tuple[str, str], Path] = {}
    used = []
    for path in paths:
        own, own_units = _rows(path)
        if own:
            used.append(path)
        units |= own_units
        split = next(filter(None, map(split_of, re.split(r"[\W_]+", path.stem))), "")
        for name, row in own.items():
            known = rows.setdefault(name, {})
            for column, value in row.items():
                if known.get(column, value) != value:
                    first = origin[name, column]
                    raise DataError(
                        f"{str(first)!r} and {str(path)!r} disagree on {column!r} of {name!r}: "
                        f"{known[column]!r} and {value!r}",
                        "correct one of them, or name the right one with --table",
                    )
                known[column] = value
                origin[name, column] = path
            if split and splits.setdefault(name, split) != split:
                raise DataError(
                    f"{str(path)!r} has {name!r}, which another table puts in {splits[name]!r}",
                    "an image belongs to one split: delete it from one table",
                )
    return Table(tuple(used), rows, splits, units)


def key_of_row(rows: Mapping[str, object], file: Path) -> str:
    """The key of an image file's row: `folder/name`, name, stem or number; empty where none is."""
    stem = file.name.partition(".")[0]
    for key in (f"{file.parent.name}/{file.name}", file.name, file.stem, stem):
        if key in rows:
            return key
    digits = re.findall(r"\d+", stem)
    last = str(int(digits[-1])) if digits else ""
    return last if last in rows else ""


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


def split_in(row: Row, selection: Selection) -> str:
    """The split that a row states, in the column named or one called so; empty where none.

    Raises:
        DataError: Where the column named is not there.
    """
    if selection.split_column:
        if row and selection.split_column not in row:
            raise DataError(f"the table has no column {selection.split_column!r}", ", ".join(row))
        return split_of(row.get(selection.split_column, ""))
    found = (split_of(row[name]) for name in row if name.lower() in SPLIT_NAMES)
    return next(filter(None, found), "")


def numbers_of(row: Row) -> dict[str, float]:
    """The columns of a row that are numbers."""
    numbers = {}
    for name, text in row.items():
        try:
            numbers[name] = float(text)
        except ValueError:
            continue
    return numbers


def _rows(path: Path) -> tuple[dict[str, Row], dict[str, str]]:
    """Rows by the file that they are of, and units by column."""
    with reading(path, "table"):
        if path.stat().st_size > _MAX_BYTES:
            raise DataError(f"{str(path)!r} is larger than a table of images", "name another")
        text = path.suffix.lower() in (".csv", ".txt", ".tsv")
        read, units = _csv(path) if text else _fits(path)
        if not read:
            return {}, {}
        lowered = {name.lower(): name for name in read[0]}
        key = next((lowered[name] for name in _FILES if name in lowered), next(iter(read[0])))
        rows = {row[key]: row for row in read}
        if len(rows) < len(read):
            twice = next(k for k in rows if sum(row[key] == k for row in read) > 1)
            raise DataError(
                f"{str(path)!r} has several rows of {twice!r} in its column {key!r}",
                "an image has one row: delete the others",
            )
        return rows, units


def _csv(path: Path) -> tuple[list[Row], dict[str, str]]:
    """Rows of a CSV; lines before the one that names columns (`#`) are passed over."""
    with path.open(newline="", encoding="utf-8-sig", errors="strict") as file:
        lines = [line for line in file if line.strip() and not line.startswith("#")]
    if not lines or "\0" in lines[0] or lines[0].lstrip().startswith("<"):
        raise DataError(f"{str(path)!r} is not a CSV table", "expected one line of column names")
    first = lines[0]
    mark = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    read = list(csv.DictReader(lines, delimiter=mark))
    names = {name: _UNIT.match(name.strip()) for name in read[0] if name} if read else {}
    plain = {name: form[1] if form else name.strip() for name, form in names.items()}
    units = {form[1]: form[2] for form in names.values() if form}
    rows = [
        {
            plain[k]: (v or "").strip()
            for k, v in row.items()
            if isinstance(v, str | None) and k in plain
        }
        for row in read
    ]
    return rows, units  # type: ignore[return-value]


def _fits(path: Path) -> tuple[list[Row], dict[str, str]]:
    from astropy.table import Table as AstropyTable

    with fits.opened(path) as units_:
        table = AstropyTable.read(units_, format="fits")
    flat = [name for name in table.colnames if table[name].ndim == 1]
    units = {name: str(table[name].unit) for name in flat if table[name].unit is not None}
    return [{name: _text(row[name]) for name in flat} for row in table], units


def _text(value: object) -> str:
    text = (value.decode() if isinstance(value, bytes) else str(value)).strip()
    return "" if text in ("--", "nan", "masked") else text
