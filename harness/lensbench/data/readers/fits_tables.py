"""FITS files of many objects: tables with a column of images, and stacks in extensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.names import without_band
from lensbench.data.picture import Selection, Source
from lensbench.data.readers.array_names import IMAGE_KEYS, role_of_array
from lensbench.data.readers.array_parts import Shape
from lensbench.data.readers.arrays import groups_of
from lensbench.data.readers.axes import MAX_CHANNELS, is_stack
from lensbench.data.readers.beside import PLANES
from lensbench.data.readers.fits import opened
from lensbench.data.readers.grouped import Access, grouped_source
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.roles import parted_role
from lensbench.errors import DataError
from lensbench.files import check_members

_STAMPS = (*IMAGE_KEYS, "stamp", "stamps", "cutout")
_LEAST_SIDE = 8


@dataclass(frozen=True)
class _Column:
    """A column of one table, or a stack in an extension, whose name is then empty.

    Attributes:
        extension: Its number. `name`: in the table. `shape`: of all rows.
        dtype: Of a cell on disk. `unit`: as stated.
    """

    extension: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    unit: str


def holds_images(path: Path) -> bool:
    """Whether a FITS file has an image in each row of a table, or in each plane of a stack."""
    with reading(path, "FITS"), opened(path) as units:
        columns = _columns_of(units).values()
        alone = not any(map(_is_plain_image, units))
    images = [one for one in columns if is_stack(one.shape) and one.dtype.kind in "biuf"]
    return any(alone or not one.name for one in images)


def open_table(path: Path, selection: Selection) -> Source:
    """Source of a FITS file of many objects.

    Images are (H, W), (C, H, W) or squares laid out flat in a table, or planes of a stack.

    Raises:
        DataError: Where a column that the user names is not there or has no images.
    """
    with reading(path, "FITS"), opened(path, whole=True) as units:
        columns = _columns_of(units)
        headers = {n: _header(units, one) for n, one in columns.items()}
        others = _others(units, {one.extension for one in columns.values()})
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
            unit = units[column.extension]
            if column.name:
                found = np.asarray(unit.data[column.name][index])
            else:
                found = np.asarray(unit.section[index])
        if found.dtype.kind in "SU":
            return np.char.rstrip(found)
        whole = isinstance(index, slice)
        return found.reshape(column.shape if whole else column.shape[1:])

    access = Access(
        lambda name: cells(name, slice(None)),
        cells,
        {name: one.dtype.str for name, one in columns.items()},
        {name: one.unit for name, one in columns.items()},
        headers,
    )
    count = sum(group.count for group in groups)
    title = f"FITS of {count} rows, images in {columns[groups[0].images].name or groups[0].images}"
    source = grouped_source(path, "fits-table", title, groups, access)
    return replace(source, options=selection.of_arrays, left_out=(*left, *others))


def _columns_of(units: Any) -> Mapping[str, _Column]:
    """Columns of all tables by name, with the name of the table where there are several.

    Beside them stand extensions that have as many planes, and without tables those that have more
    planes than an image has channels, and whose third axis is none of the sky or a spectrum.
    """
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
    counts = {one.shape[0] for one in found.values()}
    cubes = {
        unit.name or ("PRIMARY" if number == 0 else str(number)): (number, unit)
        for number, unit in enumerate(units)
        if unit.is_image and len(unit.shape) in (3, 4)
    }
    stacks = {
        unit.shape[0]
        for name, (_, unit) in cubes.items()
        if parted_role(name)[0] == "image" and is_stack(unit.shape)
    }
    if not counts & stacks:
        many = [unit for _, unit in cubes.values() if "CTYPE3" not in unit.header]
        plain = not any(map(_is_plain_image, units))
        counts = {unit.shape[0] for unit in many if plain and unit.shape[0] > MAX_CHANNELS}
    for name, (number, unit) in cubes.items():
        if unit.shape[0] in counts & stacks:
            dtype = np.asarray(unit.section[:1]).dtype
            unit_of = str(unit.header.get("BUNIT", ""))
            found[name] = _Column(number, "", tuple(unit.shape), dtype, unit_of)
    return found


def _is_plain_image(unit: Any) -> bool:
    """Whether a unit has an image of two axes, which is no PSF, noise or mask."""
    return unit.is_image and len(unit.shape) == 2 and parted_role(unit.name)[0] == "image"


def _header(units: Any, column: _Column) -> dict[str, Any]:
    """What the file and the extension of a column state."""
    own = dict(units[column.extension].header)
    return own if column.name else {**dict(units[0].header), **own}


def _others(units: Any, used: Set[int]) -> list[str]:
    """Extensions with arrays that are of no row, a sentence each."""
    arrays = [(number, unit) for number, unit in enumerate(units) if number not in used]
    return [
        f"{unit.name or number} [{number}]: shape {unit.shape}, not one an object"
        for number, unit in arrays
        if unit.is_image and len(unit.shape) > 1
    ]


def _unfolded(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a column: of planes (N, 1, H, W), also where these are squares laid out flat."""
    side = math.isqrt(shape[1]) if len(shape) == 2 else 0
    plain = without_band(name)[0] or name
    plane = role_of_array(plain) in PLANES or plain.lower() in _STAMPS
    if plane and side >= _LEAST_SIDE and side * side == shape[1]:
        return shape[0], 1, side, side
    return shape if len(shape) != 3 else (shape[0], 1, *shape[1:])
