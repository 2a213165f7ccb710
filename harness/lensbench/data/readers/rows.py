"""Rows of tables put to the images that they are of: classes, splits, numbers, and what is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lensbench.data.names import few
from lensbench.data.picture import Column, Item, Selection, Source
from lensbench.data.readers import tables
from lensbench.data.readers.entries import Entry
from lensbench.data.readers.labels import class_text
from lensbench.data.readers.table_files import LOOSE, Row, keys_in, rows_in_order, text_suffix
from lensbench.data.texts import is_number
from lensbench.errors import DataError

_MOST_CLASSES = 100
_MISSING = {"", "-", "--", "---", "n/a", "na", "none", "null", "nan", "masked", "?"}
"""How tables write that a number is not known, in small letters."""


def with_row(
    entry: Entry, table: tables.Table, key: str, selection: Selection, column: str
) -> Entry:
    """An entry with the class and the split that a table states, where its folders do not.

    Args:
        entry: An image.
        table: Which may have a row of it.
        key: Of the row; empty where there is none.
        selection: What the user says.
        column: Of the classes.
    """
    row = table.rows.get(key, {})
    if not row:
        return entry
    label = entry.label or class_text(row.get(column, ""))
    split = tables.split_in(row, selection) or entry.split or table.splits.get(key, "")
    return replace(entry, label=label, split=split)


def with_rows_in_order(source: Source, folder: Path, selection: Selection) -> Source:
    """A stack of which nothing is known, with the tables beside it that have a row for each image.

    A table named after a split is of the images of this split. A row is of the image whose number
    it states, from zero or one, as its name or first cell; else rows follow the images.
    """
    count = len(source.items)
    if source.columns or any(item.label for item in source.items):
        return source
    merged: list[dict[str, str]] = [{} for _ in range(count)]
    units: dict[str, str] = {}
    used, left_out = [], []
    for path in tables.tables_in(folder):
        split = tables.split_in_name(path)
        own = [i for i, item in enumerate(source.items) if not split or item.split in (split, "")]
        loose = text_suffix(path.name) in LOOSE
        try:
            read, own_units = rows_in_order(path)
        except DataError:
            if not loose:
                raise
            read, own_units = [], {}
        if len(read) != len(own):
            left_out.append(
                f"{path.name}: no table of these images"
                if loose
                else f"{path.name}: {len(read)} rows for {len(own)} images"
            )
            continue
        used.append(path)
        units |= own_units
        for place, row in zip(_places(read), read, strict=True):
            merged[own[place]] |= row
    keys = list(map(str, range(count)))
    table = tables.Table(tuple(used), dict(zip(keys, merged, strict=True)), units=units)
    said = (f"Rows of {table.names} follow the images.",) if used else ()
    return replace(
        with_rows(source, table, selection),
        path=str(folder) if used else source.path,
        notes=(*source.notes, *said),
        left_out=(*source.left_out, *left_out, *odd_cells(table)),
    )


def with_rows(source: Source, table: tables.Table, selection: Selection) -> Source:
    """A source with a table of as many rows, in the order of its images.

    What is known of an image without the table stays.
    """
    column = table.label_column(selection)
    items = tuple(
        replace(
            item,
            label=item.label or class_text(row.get(column, "")),
            split=item.split or tables.split_in(row, selection),
        )
        for item, row in zip(source.items, table.rows.values(), strict=True)
    )
    classes = tuple(sorted({item.label for item in items if item.label}))
    columns = {**columns_of(table, list(table.rows), classes), **source.columns}
    return replace(source, items=items, classes=classes, columns=columns)


def _places(rows: Sequence[Row]) -> Sequence[int]:
    """The image of each row: the number that it states, else its own."""
    key = keys_in(rows)[0]
    stated = [row[key] for row in rows]
    for first in (0, 1):
        wanted = {str(first + place): place for place in range(len(rows))}
        if set(stated) == wanted.keys():
            return [wanted[one] for one in stated]
    return range(len(rows))


def unmatched(table: tables.Table, keys: Sequence[str], items: Sequence[Item]) -> list[str]:
    """What of images and tables does not belong together."""
    said = []
    without = [item.name for item, key in zip(items, keys, strict=True) if not key]
    if without:
        said.append(f"no row in {table.names} for {len(without)} images: {few(without)}")
    found = set(keys)
    unused = [name for name in table.rows if name not in found and not table.is_elsewhere(name)]
    if unused:
        said.append(f"no image for {len(unused)} rows of {table.names}: {few(unused)}")
    return said


def columns_of(
    table: tables.Table, keys: Sequence[str], classes: Sequence[str]
) -> dict[str, Column]:
    """Numbers and further classes of every image from the rows of a table."""
    if not any(keys):
        return {}
    rows: list[Mapping[str, str]] = [table.rows.get(key, {}) for key in keys]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        texts = [row.get(name, "") for row in rows]
        known = {text for text in texts if text}
        if not known or known == set(classes):
            continue
        try:
            values = np.array([_number(text) for text in texts])
        except ValueError:
            if len(known) <= _MOST_CLASSES and len(known) < len(texts):
                columns[name] = Column(np.array(texts), table.units.get(name, ""))
            continue
        columns[name] = Column(values, table.units.get(name, ""))
    return columns


def odd_cells(table: tables.Table) -> list[str]:
    """Columns most of whose cells are numbers, and that are none because of some that are not."""
    said = []
    for name in dict.fromkeys(name for row in table.rows.values() for name in row):
        cells = [text for row in table.rows.values() if (text := row.get(name, ""))]
        odd = [text for text in cells if not is_number(text) and text.lower() not in _MISSING]
        if odd and 2 * len(odd) < len(cells) and len(set(cells)) == len(cells):
            said.append(f"column {name!r} of {table.names}: {few(odd)} are no numbers")
    return said


def _number(text: str) -> float:
    return np.nan if text.lower() in _MISSING else float(text)
