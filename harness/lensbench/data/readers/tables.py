"""Tables beside images: a row an image, found by the name of its file, or by its position."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from lensbench.data.names import few, position_names
from lensbench.data.picture import Selection
from lensbench.data.readers import fits
from lensbench.data.readers.entries import stem_of
from lensbench.data.readers.fits_tables import holds_images
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES, are_numbers
from lensbench.data.readers.row_keys import FIRST, bare_name, keys_by_position, keys_of_rows
from lensbench.data.readers.table_files import (
    LOOSE,
    Row,
    is_about_data,
    keys_in,
    rows_by,
    rows_in_order,
    text_suffix,
)
from lensbench.data.splits import split_of
from lensbench.errors import DataError

_FOLDERS = 200
"""Folders of images in which tables are looked for."""

FEW = 8
"""FITS files of a folder that are opened to see whether they are tables."""

_HEAD = 10**6
"""Bytes of a table by which it is seen whether it is of some files."""

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
        return few([file.name for file in self.files])

    def label_column(self, selection: Selection) -> str:
        """The column of classes: the one named, or the first that sounds and looks like it.

        Targets that all differ are names of objects, and fractions are numbers.

        Raises:
            DataError: Where the column named is not there.
        """
        names = list(dict.fromkeys(name for row in self.rows.values() for name in row))
        if selection.labels and names and selection.labels not in names:
            raise DataError(f"the table has no column {selection.labels!r}", ", ".join(names))
        if selection.labels:
            return selection.labels
        sounding = (name for name in names if name.lower() in LABEL_NAMES)
        cells = ((name, [row.get(name, "") for row in self.rows.values()]) for name in sounding)
        return next((name for name, texts in cells if _are_classes(name, texts)), "")

    def is_above(self, folder: Path) -> bool:
        """Whether the files lie in the folder above the one of the images."""
        return all(file.parent == folder.parent for file in self.files)

    def is_elsewhere(self, name: str) -> bool:
        """Whether a row is of an image in another folder, which it names as the table sees it."""
        return "/" in name and any((file.parent / name).exists() for file in self.files)


def find_table(
    folder: Path,
    selection: Selection,
    files: Sequence[Path],
    positions: Sequence[tuple[float, float] | None] = (),
    own: Sequence[Path] = (),
) -> tuple[Table, list[str]]:
    """The tables of images, and the key of the row of each image; empty where it has none.

    They are all tables of the folder and of those of the images, else of the folder above.

    Args:
        folder: That holds the images, perhaps in folders of its own.
        selection: Which may name one table.
        files: Of the images.
        positions: Of the images [deg], where they are known.
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
                "--table names a CSV, ECSV, JSON, Parquet or FITS",
            )
        table = merged([path], files, path.parent)
    else:
        below = sorted({file.parent for file in files} - {folder})[:_FOLDERS]
        inside = [path for one in below for path in tables_in(one)]
        table = merged([*sorted({*tables_in(folder), *own}), *inside], files, folder)
        if not table.rows:
            above = _above(folder, files)
            table = replace(above, passed_over=(*table.passed_over, *above.passed_over))
    keys = keys_of_rows(table.rows, files)
    return table, keys if any(keys) else keys_by_position(table.rows, positions)


def split_in_name(path: Path) -> str:
    """The split that a file's name states, such as `x_train.npy`; empty where none."""
    return next(filter(None, map(split_of, re.split(r"[\W_]+", path.stem))), "")


def tables_in(folder: Path) -> list[Path]:
    """Tables directly in a folder: of text, Parquet of plain columns, FITS tables."""
    names = sorted(one.name for one in os.scandir(folder) if not one.is_dir())
    shown = [folder / n for n in names if not n.startswith(".") and not is_about_data(n)]
    found = [file for file in shown if text_suffix(file.name) or is_plain_parquet(file)]
    stored = [file for file in shown if file.name.lower().endswith(fits.SUFFIXES)]
    opened = stored if len(stored) <= FEW else []
    return found + [file for file in opened if fits.is_table(file) and not holds_images(file)]


def is_plain_parquet(file: Path) -> bool:
    """Whether a file is a Parquet table without any column of lists or bytes: no images."""
    if file.suffix.lower() != ".parquet":
        return False
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(file, "Parquet"):
        kinds = [field.type for field in pq.read_schema(file)]
    return not any(pa.types.is_nested(kind) or pa.types.is_binary(kind) for kind in kinds)


def _above(folder: Path, files: Sequence[Path]) -> Table:
    """Tables of the folder above: what is of other things is passed over."""
    usable: list[Path] = []
    reasons: list[str] = []
    for path in tables_in(folder.parent):
        try:
            rows = merged([*usable, path], files).rows
        except DataError as error:
            if _names_some(path, files):
                reasons.append(f"{path.name}, in the folder above: {error.message}")
        else:
            usable += [path] if any(keys_of_rows(rows, files)) else []
    return replace(merged(usable, files), passed_over=tuple(reasons))


def _names_some(table: Path, files: Sequence[Path]) -> bool:
    """Whether a text table has a cell with the name of one of the first files; others may.

    A stem without letters could be any number.
    """
    if not text_suffix(table.name) or table.suffix.lower() == ".gz":
        return True
    with table.open("rb") as file:
        cells = set(re.split(r"[\s,;|\"'/\\]+", file.read(_HEAD).decode("utf-8", "replace")))
    names = {name for file in files[:FIRST] for name in (file.name, stem_of(file.name))}
    return any(re.search(r"[^\W\d]", name) for name in cells & names)


def _rows_of(
    path: Path, files: Sequence[Path], loose: bool
) -> tuple[dict[str, Row], dict[str, str]]:
    """Rows of a table by the files that they are of, and units by column.

    The column that names files is the one that names most of them. Where none does, and the table
    has positions, rows are numbered. Numbers that are no identifiers name no files if `loose`.
    """
    read, units = rows_in_order(path)
    if not read:
        return {}, {}
    some = files[:: 1 + len(files) // FIRST]
    best, most = "", 0
    for key in keys_in(read, loose):
        found = sum(map(bool, keys_of_rows({row[key]: row for row in read}, some)))
        if found > most or not best:
            best, most = key, found
    if not most and position_names(read[0]):
        return {f"row {number}": row for number, row in enumerate(read)}, units
    return rows_by(path, read, best) if best else {}, units


def merged(paths: Sequence[Path], files: Sequence[Path] = (), folder: Path | None = None) -> Table:
    """Tables as one: rows of the same image are joined.

    Args:
        paths: Of the tables. What only may be a table, such as JSON, has to name one of the files.
        files: Of the images.
        folder: Above all of them, for tables that lie in folders below it.

    Raises:
        DataError: Where two tables say different things of one image.
    """
    rows: dict[str, dict[str, str]] = {}
    splits: dict[str, str] = {}
    units: dict[str, str] = {}
    origin: dict[tuple[str, str], Path] = {}
    stems: dict[str, str] = {}
    used = []
    passed_over = []
    for path in paths:
        loose = text_suffix(path.name) in LOOSE
        try:
            own, own_units = _rows_of(path, files, loose or folder is None)
        except DataError:
            if not loose:
                raise
            own = {}
        if loose and not any(keys_of_rows(own, files)):
            passed_over.append(f"{path.name}: no table that names an image here")
            continue
        if folder is not None and path.parent != folder and folder in path.parents:
            above = path.parent.relative_to(folder).as_posix()
            own = {f"{above}/{name}": row for name, row in own.items()}
        if own:
            used.append(path)
        units |= own_units
        split = split_in_name(path)
        same = {name: name if name in rows else stems.get(bare_name(name), name) for name in own}
        stems |= {bare_name(name): name for name in same.values()}
        for name, row in ((same[name], row) for name, row in own.items()):
            known = rows.setdefault(name, {})
            for column, value in row.items():
                before = known.setdefault(column, value)
                if not (_are_equal(before, value) or stems.get(bare_name(value)) == name):
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
    return Table(tuple(used), rows, splits, units, tuple(passed_over))


def _are_equal(first: str, second: str) -> bool:
    """Whether two cells say the same, as texts or as numbers."""
    if first == second:
        return True
    try:
        return float(first) == float(second)
    except ValueError:
        return False


def _are_classes(name: str, cells: Sequence[str]) -> bool:
    known = list(filter(None, cells))
    try:
        return bool(known) and not are_numbers(np.array(known, dtype=float))
    except ValueError:
        return not name.lower().startswith("target") or len(set(known)) < len(known)


def states_classes(folder: Path) -> bool:
    """Whether a table directly in a folder states classes."""
    return bool(merged(tables_in(folder)).label_column(Selection()))


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
