"""Tables with a column of images: Parquet files and Hugging Face `datasets`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lensbench.data.names import arcsec_of, columns_and_units, without_band
from lensbench.data.picture import Column, Item, Picture, Selection, Source
from lensbench.data.readers.array_names import role_of_array
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.beside import NUMBERS, PLANES
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES, class_text
from lensbench.data.readers.parquet import ParquetRows
from lensbench.data.readers.table_cells import as_array, bands_of_value, with_cells
from lensbench.data.readers.tables import SPLIT_NAMES
from lensbench.data.splits import split_of
from lensbench.errors import DataError

_MOST_CLASSES = 100
_IMAGES = ("image", "images", "pixels", "img", "data")
_SCENES = ("scene", "id", "name", "file", "object_id", "objid", "source_id")
_PLAIN = re.compile(
    r"^(u?int\d*|float\d*|half_?float|double|bool|(large_)?string|dictionary<.*string.*)$"
    r"|^Value\('?(dtype=)?'?(u?int\d*|float\d*|bool|(large_)?string)|^ClassLabel"
)
OF_SCENES = "parameter:"
"""Beginning of the names of columns with what a simulated scene was drawn with."""

SHAPES = "lensbench.shapes"
"""Parquet metadata: shape of the images by column, as JSON, where they are stored flat."""


def open_parquet(path: Path, selection: Selection) -> Source:
    """Source of a Parquet file: read a row group at a time."""
    with reading(path, "Parquet"):
        rows = ParquetRows(path)
        shapes = {n: tuple(s) for n, s in json.loads(rows.metadata.get(SHAPES, "{}")).items()}
        images = image_columns(path, rows.types, selection)
        known = json.loads(rows.metadata.get("lensbench", "{}"))
        names = plain_columns(rows.types, selection, known) - set(images)
        plain = rows.whole(names)
    beside = beside_columns(rows.types, names, images)
    used = sorted({*images, *(name for of in beside.values() for name in of.values())} - names)
    title = f"Parquet of {rows.count} rows, images in {', '.join(images)}"
    table = Table(
        rows.count,
        images,
        plain,
        row=lambda index, column: rows.value(index, column, used),
        beside=beside,
        left_out=unused_lists(rows.types, {*used, *names}),
        facts=known,
        shapes=shapes,
    )
    return table_source(path, "parquet", title, table, selection)


def plain_columns(
    types: Mapping[str, str], selection: Selection, facts: Mapping[str, str]
) -> set[str]:
    """Columns of one value a row (names, classes, numbers), which are read as a whole."""
    wanted = {*_SCENES, *LABEL_NAMES, selection.labels, facts.get("label", "")}
    return {name for name, kind in types.items() if name in wanted or _PLAIN.search(kind)}


def image_columns(path: Path, types: Mapping[str, str], selection: Selection) -> tuple[str, ...]:
    """Columns that hold images: the one named, those of lensbench, one that looks like it, or one
    for each band (`image_g`, `image_r`).

    Raises:
        DataError: Where there is none.
    """
    if selection.key:
        if selection.key not in types:
            raise DataError(
                f"{str(path)!r} has no column {selection.key!r}", f"it has {', '.join(types)}"
            )
        return (selection.key,)
    ours = tuple(name for name in types if name.startswith("image:"))
    if ours:
        return ours
    fitting = [
        n
        for n, t in types.items()
        if t == "image" or "list" in t.lower() or "binary" in t or "extension" in t
    ]
    named = [name for name in _IMAGES if name in types] or fitting
    if not named:
        raise DataError(
            f"{str(path)!r} has no column of images", f"name one with --key: {', '.join(types)}"
        )
    stem, band = without_band(named[0])
    bands = [n for n in fitting if band and without_band(n)[0] == stem and without_band(n)[1]]
    return tuple(bands) if len(bands) > 1 else (named[0],)


def beside_columns(
    types: Mapping[str, str], plain: Set[str], images: Sequence[str]
) -> dict[str, dict[str, str]]:
    """For each column of images those of its PSF, noise, mask and pixel scale, by role.

    A column whose name ends in the band of one column of images goes with this one.
    """
    bands = {without_band(name)[1] for name in images if len(images) > 1}
    found: dict[str, dict[str, str]] = {name: {} for name in images}
    usual, _ = columns_and_units(types)
    for name in sorted(types.keys() - images):
        rest, band = without_band(usual[name])
        of_band = bool(band) and band in bands
        role = role_of_array(rest if of_band else usual[name])
        fits = role in NUMBERS if name in plain else role in PLANES
        for image in images if fits else ():
            if not of_band or without_band(image)[1] == band:
                found[image].setdefault(role, name)
    return found


def unused_lists(types: Mapping[str, str], used: Set[str]) -> tuple[str, ...]:
    """A sentence for each column that is neither an image, nor goes with one, nor is plain."""
    unused = (name for name in types if name not in used and not name.startswith(OF_SCENES))
    return tuple(f"column {name!r}: lists that are no images here" for name in unused)


@dataclass(frozen=True)
class Table:
    """A table of images.

    Attributes:
        count: Number of rows.
        images: Names of the columns that hold images.
        plain: Columns of one value a row, read as a whole.
        row: Reads the cell of a row and a column of images, or of what goes with these.
        beside: For each column of images what goes with it, by role; see `beside_columns`.
        left_out: Columns that are neither, a sentence each.
        facts: Metadata that lensbench wrote; empty in the tables of others.
        shapes: Shapes of the images by column, where they are stored flat.
        split: Split of all rows, where the table is of one.
    """

    count: int
    images: Sequence[str]
    plain: Mapping[str, Sequence[object]]
    row: Callable[[int, str], object]
    facts: Mapping[str, str]
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    split: str = ""


def table_source(path: Path, layout: str, title: str, table: Table, selection: Selection) -> Source:
    """Source of a table, with an item for each row and column of images."""
    count, images, plain, facts = table.count, table.images, table.plain, table.facts
    if selection.labels and selection.labels not in plain:
        raise DataError(f"{str(path)!r} has no column {selection.labels!r}", "correct --labels")
    if any(len(column) != count for column in plain.values()):
        raise DataError(
            f"{str(path)!r} has columns that are not as long as the table", "it is damaged"
        )
    label = selection.labels or facts.get("label", "")
    label = label or next((name for name in LABEL_NAMES if name in plain), "")
    scene = next((name for name in _SCENES if name in plain), "")
    several = len(images) > 1

    def name_of(index: int) -> str:
        name = str(plain[scene][index]) if scene else f"{path.name}#{index}"
        own = bool(facts)  # ids of lensbench are unique over splits
        return f"{table.split}/{name}" if table.split and not own else name

    splits = _splits(path, table, selection)
    classes = json.loads(facts["classes"]) if "classes" in facts else ()
    conditions = {
        name.partition(":")[2]: json.loads(value)
        for name, value in facts.items()
        if name.startswith("condition:")
    }
    items = []
    for column in images:
        condition = _condition(column, several)
        for index in range(count):
            text = class_text(plain[label][index]) if label else ""
            if classes and text.isdecimal() and int(text) < len(classes):
                text = classes[int(text)]
            name = name_of(index)
            items.append(
                Item(
                    f"{name}#{condition}" if several else name, text, splits[index], condition, name
                )
            )

    def read(index: int) -> Picture:
        which, line = divmod(index, count)
        column = images[which]
        with reading(path, layout):
            value = table.row(line, column)
            if (bands := bands_of_value(f"{path}#{line}", value)) is not None:
                return bands
            array = as_array(f"{path}#{line}", value, table.shapes.get(column))
            known = conditions.get(column.partition(":")[2], {})
            picture = Picture(
                as_picture(f"{path}#{line}", array),
                array.dtype.str,
                known.get("pixel_scale"),
                str(known.get("unit", "")),
                psf_fwhm=known.get("psf_fwhm"),
                bands=tuple(filter(None, str(known.get("bands", "")).split(","))),
            )
            cells = {
                role: _angle(plain[name][line], name) if name in plain else table.row(line, name)
                for role, name in table.beside.get(column, {}).items()
            }
            return with_cells(f"{path}#{line}", picture, cells) if cells else picture

    notes = [f"Images are in {', '.join(map(repr, images))}."]
    if label:
        notes.append(f"Classes are in {label!r}.")
    options = f"--key {images[0]}" if selection.key else ""
    options += f" --labels {label}" if selection.labels else ""
    taken = {label, scene, _split_column(table, selection)}
    taken |= {name for of in table.beside.values() for name in of.values()}
    known_columns, left = _plain_values(plain, taken, facts, len(images))
    left += table.left_out
    if known_columns:
        notes.append(f"What is known of each image: {', '.join(known_columns)}.")
    return Source(
        str(path),
        layout,
        title,
        tuple(items),
        read,
        tuple(notes),
        options.strip(),
        {k: str(v) for k, v in facts.items()},
        tuple(classes),
        known_columns,
        left,
    )


def _condition(column: str, several: bool) -> str:
    """The condition or the band that a column of images names; empty where there is one alone."""
    return column.partition(":")[2] or (without_band(column)[1] if several else "")


def _splits(path: Path, table: Table, selection: Selection) -> Sequence[str]:
    """The split of each row: of the table, or as the column says that names it.

    Raises:
        DataError: Where the column that the user names is not there.
    """
    wanted, plain = selection.split_column, table.plain
    if wanted and wanted not in plain:
        raise DataError(f"{str(path)!r} has no column {wanted!r}", f"it has {', '.join(plain)}")
    column = _split_column(table, selection)
    return (
        [split_of(str(value)) for value in plain[column]] if column else [table.split] * table.count
    )


def _split_column(table: Table, selection: Selection) -> str:
    """The column that names splits; empty where there is none, or the table is of one."""
    named = () if table.split else (n for n in table.plain if n.lower() in SPLIT_NAMES)
    return selection.split_column or next(iter(named), "")


def _angle(value: object, name: str) -> float | None:
    """A number of a column in arcsec, which its name may state otherwise."""
    usual, units = columns_and_units([name])
    known = isinstance(value, int | float)
    return arcsec_of({usual[name]: float(str(value))}, usual[name], units) if known else None


def _plain_values(
    plain: Mapping[str, Sequence[object]],
    taken: set[str],
    facts: Mapping[str, str],
    images: int,
) -> tuple[dict[str, Column], tuple[str, ...]]:
    """Numbers and further classes of every image, and the columns that are neither."""
    found: dict[str, Column] = {}
    left = []
    usual, units = ({}, {}) if facts else columns_and_units(plain)
    for stored, values in plain.items():
        if stored in taken:
            continue
        name = usual.get(stored, stored)
        known = [value for value in values if value is not None]
        if known and all(isinstance(value, bool | int | float | np.number) for value in known):
            numbers = [np.nan if value is None else float(value) for value in values]  # type: ignore[arg-type]
            found[name] = Column(
                np.tile(numbers, images), units.get(name) or facts.get(f"unit:{name}", "")
            )
        elif known and len(set(map(str, known))) <= _MOST_CLASSES:
            texts = ["" if value is None else str(value) for value in values]
            found[name] = Column(np.tile(np.array(texts), images))
        else:
            left.append(f"column {name!r}: neither numbers nor classes")
    return found, tuple(left)
