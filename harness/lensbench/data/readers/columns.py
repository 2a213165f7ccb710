"""Tables with a column of images: Parquet files and Hugging Face `datasets`."""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.joining import joined_columns
from lensbench.data.picture import Column, Item, Picture, Selection, Source
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.cards import Facts, read_facts
from lensbench.data.readers.guard import reading
from lensbench.data.readers.labels import LABEL_NAMES
from lensbench.data.readers.parquet import ParquetRows
from lensbench.data.readers.table_cells import as_array, bands_of_value
from lensbench.errors import DataError
from lensbench.files import files_below

_MOST_CLASSES = 100
_IMAGES = ("image", "images", "pixels", "img", "data")
_SCENES = ("scene", "id", "name", "file", "object_id", "objid", "source_id")
_PLAIN = re.compile(
    r"^(u?int\d*|float\d*|half_?float|double|bool|(large_)?string|dictionary<.*string.*)$"
    r"|^Value\('?(dtype=)?'?(u?int\d*|float\d*|bool|(large_)?string)|^ClassLabel"
)
SHAPES = "lensbench.shapes"
"""Parquet metadata: shape of the images by column, as JSON, where they are stored flat."""


def open_parquet(path: Path, selection: Selection) -> Source:
    """Source of a Parquet file: read a row group at a time."""
    with reading(path, "Parquet"):
        rows = ParquetRows(path)
        shapes = {n: tuple(s) for n, s in json.loads(rows.metadata.get(SHAPES, "{}")).items()}
        images = image_columns(path, rows.types, selection)
        known = json.loads(rows.metadata.get("lensbench", "{}"))
        names = plain_columns(rows.types, selection, known)
        plain = rows.whole(names - set(images))
    title = f"Parquet of {rows.count} rows, images in {', '.join(images)}"
    table = Table(
        rows.count,
        images,
        plain,
        row=lambda index, column: rows.value(index, column, images),
        facts=known,
        shapes=shapes,
    )
    return table_source(path, "parquet", title, table, selection)


def open_huggingface(path: Path, selection: Selection) -> Source:
    """Source of a folder that `datasets.save_to_disk` wrote."""
    with reading(path, "Hugging Face dataset"):
        import datasets

        loaded = datasets.load_from_disk(str(path))
        if not isinstance(loaded, datasets.Dataset | datasets.DatasetDict):
            raise DataError(f"{str(path)!r} is no dataset of `datasets`", "")
        return huggingface_source(str(path), loaded, selection, {})


def open_hub(name: str, selection: Selection) -> Source:
    """Source of a dataset on the Hugging Face hub, or of a local copy of its repository.

    Args:
        name: `owner/name`, or a folder with its Parquet files.
        selection: Columns.

    Raises:
        DataError: Where it cannot be reached, saying what to do by hand.
    """
    import datasets

    local = files_below(Path(name)) if Path(name).is_dir() else ()
    for file in (one for one in local if one.suffix == ".parquet"):
        with reading(file, "Parquet"):  # `datasets` writes it to the disk anew, unpacked
            ParquetRows(file).check()
    try:
        loaded = datasets.load_dataset(name)
    except Exception as error:
        raise DataError(
            f"dataset {name!r} cannot be loaded: {str(error).splitlines()[0][:160]}",
            f"where there is a connection: `hf download --repo-type dataset {name} "
            "--local-dir FOLDER`, then name that folder here",
        ) from error
    return huggingface_source(name, loaded, selection, read_facts(name))


def huggingface_source(path: str, loaded: Any, selection: Selection, facts: Facts) -> Source:
    """Source of a loaded `Dataset` or of all splits of a `DatasetDict`."""
    splits = dict(loaded) if hasattr(loaded, "keys") else {"": loaded}
    parts = [
        _huggingface_split(path, split, rows, selection, facts.get(split, {}))
        for split, rows in splits.items()
    ]
    starts = np.concatenate([[0], np.cumsum([len(part.items) for part in parts])]).tolist()

    def read(index: int) -> Picture:
        part = bisect.bisect_right(starts, index) - 1
        return parts[part].read(index - starts[part])

    first = parts[0]
    named = [split for split in splits if split]
    title = f"Hugging Face dataset of {starts[-1]} images" + (
        f" in splits {', '.join(named)}" if named else ""
    )
    return Source(
        path,
        "huggingface",
        title,
        tuple(item for part in parts for item in part.items),
        read,
        first.notes,
        first.options,
        first.facts,
        first.classes,
        columns=joined_columns(parts),
        left_out=first.left_out,
    )


def _huggingface_split(
    path: str, split: str, dataset: Any, selection: Selection, facts: Mapping[str, str]
) -> Source:
    dataset.data.table.validate(full=True)
    plain_arrow = dataset.with_format(None)
    types = {name: type(feature).__name__ for name, feature in dataset.features.items()}
    types = {
        n: "image" if kind in ("Image", "Array2D", "Array3D") else str(dataset.features[n])
        for n, kind in types.items()
    }
    images = image_columns(Path(path), types, selection)
    names = plain_columns(types, selection, facts)
    plain = {name: list(plain_arrow[name]) for name in sorted(names - set(images))}
    classes: tuple[str, ...] = ()
    for name, values in plain.items():
        known = getattr(dataset.features[name], "names", None)
        if known:
            plain[name] = [known[v] if isinstance(v, int) and v >= 0 else "" for v in values]
            classes = tuple(known)
    wanted = dataset.select_columns(list(images)).with_format("numpy")
    table = Table(
        len(dataset),
        images,
        plain,
        row=lambda index, column: wanted[index][column],
        facts=facts,
        split=split,
    )
    source = table_source(Path(path), "huggingface", "", table, selection)
    return source if not classes else replace(source, classes=classes)


def plain_columns(
    types: Mapping[str, str], selection: Selection, facts: Mapping[str, str]
) -> set[str]:
    """Columns of one value a row (names, classes, numbers), which are read as a whole."""
    wanted = {*_SCENES, *LABEL_NAMES, selection.labels, facts.get("label", "")}
    return {name for name, kind in types.items() if name in wanted or _PLAIN.search(kind)}


def image_columns(path: Path, types: Mapping[str, str], selection: Selection) -> tuple[str, ...]:
    """Columns that hold images: the one named, those of lensbench, or one that looks like it.

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
    return (named[0],)


@dataclass(frozen=True)
class Table:
    """A table of images.

    Attributes:
        count: Number of rows.
        images: Names of the columns that hold images.
        plain: Columns of one value a row, read as a whole.
        row: Reads the image of a row and a column.
        facts: Metadata that lensbench wrote; empty in the tables of others.
        shapes: Shapes of the images by column, where they are stored flat.
        split: Split of all rows, where the table is of one.
    """

    count: int
    images: Sequence[str]
    plain: Mapping[str, Sequence[object]]
    row: Callable[[int, str], object]
    facts: Mapping[str, str]
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

    classes = json.loads(facts["classes"]) if "classes" in facts else ()
    conditions = {
        name.partition(":")[2]: json.loads(value)
        for name, value in facts.items()
        if name.startswith("condition:")
    }
    items = []
    for column in images:
        condition = column.partition(":")[2]
        for index in range(count):
            text = str(plain[label][index]) if label else ""
            if classes and text.isdecimal() and int(text) < len(classes):
                text = classes[int(text)]
            name = name_of(index)
            items.append(
                Item(f"{name}#{condition}" if several else name, text, table.split, condition, name)
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
            return Picture(
                as_picture(f"{path}#{line}", array),
                array.dtype.str,
                known.get("pixel_scale"),
                str(known.get("unit", "")),
                psf_fwhm=known.get("psf_fwhm"),
                bands=tuple(filter(None, str(known.get("bands", "")).split(","))),
            )

    notes = [f"Images are in {', '.join(map(repr, images))}."]
    if label:
        notes.append(f"Classes are in {label!r}.")
    options = f"--key {images[0]}" if selection.key else ""
    options += f" --labels {label}" if selection.labels else ""
    known_columns, left = _plain_values(plain, {label, scene}, facts, len(images))
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


def _plain_values(
    plain: Mapping[str, Sequence[object]],
    taken: set[str],
    facts: Mapping[str, str],
    images: int,
) -> tuple[dict[str, Column], tuple[str, ...]]:
    """Numbers and further classes of every image, and the columns that are neither."""
    found: dict[str, Column] = {}
    left = []
    for name, values in plain.items():
        if name in taken:
            continue
        known = [value for value in values if value is not None]
        if known and all(isinstance(value, bool | int | float | np.number) for value in known):
            numbers = [np.nan if value is None else float(value) for value in values]  # type: ignore[arg-type]
            found[name] = Column(np.tile(numbers, images), facts.get(f"unit:{name}", ""))
        elif known and len(set(map(str, known))) <= _MOST_CLASSES:
            texts = ["" if value is None else str(value) for value in values]
            found[name] = Column(np.tile(np.array(texts), images))
        else:
            left.append(f"column {name!r}: neither numbers nor classes")
    return found, tuple(left)
