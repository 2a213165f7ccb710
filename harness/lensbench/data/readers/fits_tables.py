"""FITS tables with a column of images: a row an object."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.names import without_band
from lensbench.data.picture import Selection, Source
from lensbench.data.readers.arrays import IMAGE_KEYS, Shape, groups_of, role_of_array
from lensbench.data.readers.axes import is_stack
from lensbench.data.readers.beside import PLANES
from lensbench.data.readers.fits import opened
from lensbench.data.readers.grouped import Access, grouped_source
from lensbench.data.readers.guard import check_shape, reading
from lensbench.errors import DataError
from lensbench.files import check_members

_STAMPS = (*IMAGE_KEYS, "stamp", "stamps", "cutout")
_LEAST_SIDE = 8


@dataclass(frozen=True)
class _Column:
    """A column of one table: number of the extension, name in it, and what a cell holds."""

    extension: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    unit: str


def holds_images(path: Path) -> bool:
    """Whether a FITS file has a table with a column of images."""
    with reading(path, "FITS"), opened(path) as units:
        columns = _columns_of(units).values()
    return any(is_stack(one.shape) and one.dtype.kind in "biuf" for one in columns)


def open_table(path: Path, selection: Selection) -> Source:
    """Source of a FITS file of tables; images are (H, W), (C, H, W) or squares laid out flat.

    Raises:
        DataError: Where a column that the user names is not there or has no images.
    """
    with reading(path, "FITS"), opened(path, whole=True) as units:
        columns = _columns_of(units)
        header = dict(next(unit.header for unit in units if not unit.is_image))
    key, labels = selection.key, selection.labels
    for name in filter(None, (key, labels)):
        if name not in columns:
            raise DataError(f"{str(path)!r} has no column {name!r}", f"it has {', '.join(columns)}")
    arrays = {name: Shape(one.shape, one.dtype.kind) for name, one in columns.items()}
    for one in columns.values():
        check_shape(path, one.shape)
    groups, left = groups_of(arrays, key, labels, selection.split_column)
    if not groups or not is_stack(arrays[groups[0].images].shape):
        raise DataError(f"{str(path)!r} has no images in {key!r}", "name another column with --key")

    def cells(name: str, index: int | slice) -> np.ndarray:
        column = columns[name]
        with opened(path) as units:
            found = np.asarray(units[column.extension].data[column.name][index])
        if found.dtype.kind in "SU":
            return np.char.rstrip(found)
        whole = isinstance(index, slice)
        return found.reshape(column.shape if whole else column.shape[1:])

    access = Access(
        lambda name: cells(name, slice(None)),
        cells,
        {name: one.dtype.str for name, one in columns.items()},
        {name: one.unit for name, one in columns.items()},
        header,
    )
    count = sum(group.count for group in groups)
    title = f"FITS table of {count} rows, images in {columns[groups[0].images].name}"
    source = grouped_source(path, "fits-table", title, groups, access)
    options = f"--key {key}" * bool(key) + f" --labels {labels}" * bool(labels)
    return replace(source, options=options.strip(), left_out=tuple(left))


def _columns_of(units: Any) -> Mapping[str, _Column]:
    """Columns of all tables by name, with the name of the table where there are several."""
    tables = [(number, unit) for number, unit in enumerate(units) if not unit.is_image]
    found: dict[str, _Column] = {}
    for number, unit in tables:
        check_members(units.filename() or "", len(unit.columns))
        dtypes = unit.columns.dtype
        for column in unit.columns:
            dtype = dtypes[column.name]
            shape = (int(unit.header["NAXIS2"]), *dtype.shape)
            prefix = f"{unit.name or number}/" if len(tables) > 1 else ""
            found[prefix + column.name] = _Column(
                number, column.name, _unfolded(column.name, shape), dtype.base, column.unit or ""
            )
    return found


def _unfolded(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a column: of planes (N, 1, H, W), also where these are squares laid out flat."""
    side = math.isqrt(shape[1]) if len(shape) == 2 else 0
    plain = without_band(name)[0] or name
    plane = role_of_array(plain) in PLANES or plain.lower() in _STAMPS
    if plane and side >= _LEAST_SIDE and side * side == shape[1]:
        return shape[0], 1, side, side
    return shape if len(shape) != 3 else (shape[0], 1, *shape[1:])
