"""Tables beside images (CSV, ECSV, Parquet, FITS): a row an image, found by file name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from lensbench.data.picture import Selection
from lensbench.data.readers import fits
from lensbench.data.readers.entries import SUFFIXES as IMAGE_SUFFIXES
from lensbench.data.readers.entries import stem_of
from lensbench.data.readers.fits_tables import holds_images
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES, class_text
from lensbench.data.readers.table_files import TEXTS, Row, rows_of_file
from lensbench.data.splits import split_of
from lensbench.errors import DataError

_DEPTH = 4
FEW = 8
"""FITS files of a folder that are opened to see whether they are tables."""

_HEAD, _FIRST = 10**6, 100
"""Bytes of a table and files of a folder by which it is seen whether the one is of the other."""

SPLIT_NAMES = ("split", "fold", "partition", "subset")


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

    def is_elsewhere(self, name: str) -> bool:
        """Whether a row is of an image in another folder, which it names as the table sees it."""
        return "/" in name and any((file.parent / name).exists() for file in self.files)


def find_table(folder: Path, selection: Selection, own: Sequence[Path] = ()) -> Table:
    """The tables of a folder's images; all of the folder, else of the one above it.

    Args:
        folder: Of the images.
        selection: Which may name one table.
        own: FITS tables among the files of the folder.

    Raises:
        DataError: Where the table named is not there, cannot be read, or two tables disagree.
    """
    if selection.table:
        named = Path(selection.table)
        path = named if named.exists() else folder / selection.table
        if not path.exists():
            raise DataError(
                f"there is no table {selection.table!r}",
                "--table names a CSV, ECSV, Parquet or FITS",
            )
        return merged([path])
    found = merged(sorted({*tables_in(folder), *own}))
    return found if found.rows else _above(folder)


def tables_in(folder: Path) -> list[Path]:
    """Tables directly in a folder: CSV, TSV and ECSV, Parquet of plain columns, FITS tables."""
    names = sorted(one.name for one in os.scandir(folder) if not one.is_dir())
    shown = [folder / name for name in names if not name.startswith(".")]
    found = [file for file in shown if file.suffix.lower() in TEXTS or is_plain_parquet(file)]
    stored = [file for file in shown if file.name.lower().endswith(fits.SUFFIXES)]
    few = stored if len(stored) <= FEW else []
    return found + [file for file in few if fits.is_table(file) and not holds_images(file)]


def is_plain_parquet(file: Path) -> bool:
    """Whether a file is a Parquet table without any column of lists or bytes: no images."""
    if file.suffix.lower() != ".parquet":
        return False
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(file, "Parquet"):
        kinds = [field.type for field in pq.read_schema(file)]
    return not any(pa.types.is_nested(kind) or pa.types.is_binary(kind) for kind in kinds)


def _above(folder: Path) -> Table:
    """Tables of the folder above: what is of other things is passed over."""
    usable: list[Path] = []
    reasons: list[str] = []
    for path in tables_in(folder.parent):
        try:
            merged([*usable, path])
        except DataError as error:
            if _names_some(path, folder):
                reasons.append(f"{path.name}, in the folder above: {error.message}")
        else:
            usable.append(path)
    return replace(merged(usable), passed_over=tuple(reasons))


def _names_some(table: Path, folder: Path) -> bool:
    """Whether a text table has the name of one of the first files of a folder; others may."""
    if table.suffix.lower() not in TEXTS:
        return True
    with table.open("rb") as file:
        head = file.read(_HEAD)
    with os.scandir(folder) as entries:
        return any(stem_of(entry.name).encode() in head for entry in islice(entries, _FIRST))


def merged(paths: Sequence[Path]) -> Table:
    """Tables as one: rows of the same image are joined.

    Raises:
        DataError: Where two tables say different things of one image.
    """
    rows: dict[str, dict[str, str]] = {}
    splits: dict[str, str] = {}
    units: dict[str, str] = {}
    origin: dict[tuple[str, str], Path] = {}
    stems: dict[str, str] = {}
    used = []
    for path in paths:
        own, own_units = rows_of_file(path)
        if own:
            used.append(path)
        units |= own_units
        split = next(filter(None, map(split_of, re.split(r"[\W_]+", path.stem))), "")
        same = {name: name if name in rows else stems.get(_bare(name), name) for name in own}
        stems |= {_bare(name): name for name in same.values()}
        for name, row in ((same[name], row) for name, row in own.items()):
            known = rows.setdefault(name, {})
            for column, value in row.items():
                before = known.setdefault(column, value)
                if not (_are_equal(before, value) or stems.get(_bare(value)) == name):
                    first = origin[name, column]
                    raise DataError(
                        f"{str(first)!r} and {str(path)!r} disagree on {column!r} of {name!r}: "
                        f"{before!r} and {value!r}",
                        "correct one of them, or name the right one with --table",
                    )
                origin.setdefault((name, column), path)
            if split and splits.setdefault(name, split) != split:
                raise DataError(
                    f"{str(path)!r} has {name!r}, which another table puts in {splits[name]!r}",
                    "an image belongs to one split: delete it from one table",
                )
    return Table(tuple(used), rows, splits, units)


def _bare(name: str) -> str:
    """The name of an image file without its suffix; other texts as they are."""
    return stem_of(name) if name.lower().endswith(IMAGE_SUFFIXES) else name


def _are_equal(first: str, second: str) -> bool:
    """Whether two cells say the same, as texts or as numbers."""
    if first == second:
        return True
    try:
        return float(first) == float(second)
    except ValueError:
        return False


def keys_of_rows(rows: Mapping[str, object], files: Sequence[Path]) -> list[str]:
    """The key of the row of each image file; empty where it has none.

    It is the end of the file's path, its stem or its last number. Where no row is found so, names
    without their folders are compared, and then without suffixes, if they are each of one row and
    one file.
    """
    if not rows:
        return [""] * len(files)
    keys = [_key_of(rows, file) for file in files]
    if any(keys):
        return keys
    bare = [re.split(r"[/\\]", name)[-1] for name in rows]
    names = [file.name for file in files]
    if len(set(bare)) < len(bare) or len(set(names)) < len(names):
        return keys
    known = dict(zip(bare, rows, strict=True))
    found = [known.get(name, known.get(stem_of(name), "")) for name in names]
    stems = [Path(name).stem for name in bare]
    if any(found) or len(set(stems)) < len(stems):
        return found
    known = dict(zip(stems, rows, strict=True))
    return [known.get(stem_of(name), "") for name in names]


def _key_of(rows: Mapping[str, object], file: Path) -> str:
    parts, stem = file.parts, file.name.partition(".")[0]
    ends = ["/".join(parts[-depth:]) for depth in range(min(_DEPTH, len(parts)), 0, -1)]
    for key in (*ends, *(f"{end.rpartition('/')[0]}/{stem}" for end in ends[:-1]), file.stem, stem):
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
        return class_text(row.get(selection.labels, ""))
    return class_text(next((row[name] for name in row if name.lower() in LABEL_NAMES), ""))


def states_classes(folder: Path) -> bool:
    """Whether a table directly in a folder states classes."""
    rows = merged(tables_in(folder)).rows.values()
    return any(label_of(row, Selection()) for row in rows)


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
