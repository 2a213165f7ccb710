"""A source of named arrays: the same for .npz and HDF5, whatever gives their rows."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from lensbench.data.names import arcsec_of, columns_and_units
from lensbench.data.picture import Column, Item, Picture, Source
from lensbench.data.readers.arrays import Group, as_column
from lensbench.data.readers.axes import as_picture
from lensbench.data.readers.beside import NUMBERS, PLANES, with_planes
from lensbench.data.readers.guard import check_count, reading
from lensbench.data.readers.labels import Labels, are_numbers, as_labels
from lensbench.data.splits import split_of
from lensbench.data.texts import texts_of
from lensbench.data.units import microjansky_of


@dataclass(frozen=True)
class Access:
    """How arrays of a file are read.

    Attributes:
        whole: An array by its key.
        row: One row of an array, by key and index.
        dtypes: Type on disk, by key.
        units: Unit, by key, where the file has it.
        headers: What the file says of images, by their key and the keywords of FITS.
    """

    whole: Callable[[str], np.ndarray]
    row: Callable[[str, int], np.ndarray]
    dtypes: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def facts(self, images: str) -> Mapping[str, float]:
        """Pixel scale and width of the PSF of images [arcsec], as their header says it."""
        header = self.headers.get(images, {})
        numbers = {n: float(v) for n, v in header.items() if isinstance(v, int | float)}
        plain, units = columns_and_units(numbers)
        values = {plain[name]: value for name, value in numbers.items()}
        found = {n: arcsec_of(values, n, units) for n in ("pixel_scale", "psf_fwhm")}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class _Part:
    """A group with its small arrays in memory, and the pixel scale and PSF width that it states."""

    group: Group
    labels: Labels
    names: tuple[str, ...]
    splits: tuple[str, ...]
    facts: Mapping[str, np.ndarray]
    header: Mapping[str, float]


def grouped_source(
    path: Path, layout: str, title: str, groups: Sequence[Group], access: Access
) -> Source:
    """Source of the images of all groups, in their order.

    Raises:
        DataError: Where the file claims more images than its bytes can hold.
    """
    check_count(path, sum(group.count for group in groups), path.stat().st_size)
    parts = [_part(path, group, access) for group in groups]
    starts = np.concatenate([[0], np.cumsum([part.group.count for part in parts])]).tolist()
    several = len(parts) > 1
    items = [item for part in parts for item in _items(path, part, several)]

    def read(index: int) -> Picture:
        place = bisect.bisect_right(starts, index) - 1
        with reading(path, layout):
            return _read(path, parts[place], index - starts[place], access)

    keys = dict.fromkeys(group.images for group in groups)
    notes = [f"Images are under {', '.join(map(repr, keys))}."]
    origins = dict.fromkeys(part.labels.origin for part in parts if part.labels.origin)
    if origins:
        notes.append(f"Classes are under {', '.join(map(repr, origins))}.")
    classes = tuple(sorted({label for part in parts for label in part.labels.classes}))
    if any(group.label for group in groups):
        notes.append("Classes are the names of groups or arrays.")
    columns = _columns(parts, access)
    if columns:
        notes.append(f"What is known of each image: {', '.join(columns)}.")
    return Source(
        str(path),
        layout,
        title,
        tuple(items),
        read,
        tuple(notes),
        classes=classes,
        columns=columns,
    )


def _part(path: Path, group: Group, access: Access) -> _Part:
    labels = Labels((group.label,) * group.count) if group.label else Labels()
    if group.labels:
        values = access.whole(group.labels)
        if are_numbers(values):
            columns = {**group.columns, column_name(group): group.labels}
            group = replace(group, labels="", columns=columns)
        else:
            labels = as_labels(values, group.labels, group.count)
    names: tuple[str, ...] = ()
    if group.names:
        names = tuple(texts_of(access.whole(group.names)))
        if len(set(names)) < len(names):
            names = ()
    splits: tuple[str, ...] = ()
    if "split" in group.partners:
        splits = tuple(map(split_of, texts_of(access.whole(group.partners["split"]))))
    small = {
        role: access.whole(group.partners[role])
        for role in ("psf_fwhm", "scale", "matrix", "bands", *group.shared)
        if role in group.partners
    }
    for role in NUMBERS:
        if role in small and small[role].dtype.kind in "iuf":
            key = group.partners[role]
            _, units = columns_and_units([key])
            unit = access.units.get(key) or next(iter(units.values()), "")
            small[role] = small[role] * (arcsec_of({key: 1.0}, key, {key: unit}) or np.nan)
    return _Part(group, labels, names, splits, small, access.facts(group.images))


def column_name(group: Group) -> str:
    """The name of labels that are numbers: without the split that stands in it."""
    tokens = [t for t in re.split(r"[/_]", group.labels) if split_of(t) == ""]
    return "_".join(tokens) or "value"


def _items(path: Path, part: _Part, several: bool) -> list[Item]:
    group = part.group
    items = []
    for index in range(group.count):
        own = f"{path.name}#{part.names[index] if part.names else index}"
        if several and not part.names:
            own = f"{path.name}#{group.images if group.label else group.split or group.images}"
            own += "" if group.single else f"#{index}"
        name = f"{own}#{group.pair}" if group.pair else own
        split = part.splits[index] if part.splits else group.split
        scene = "#".join(filter(None, (path.name, group.split, group.object, str(index))))
        scene = scene if group.pair else own
        items.append(Item(name, part.labels.of(index), split, group.pair, scene))
    return items


def _read(path: Path, part: _Part, index: int, access: Access) -> Picture:
    group, name = part.group, f"{path}#{part.group.images}#{index}"

    def row(key: str) -> np.ndarray:
        return access.whole(key) if group.single else access.row(key, index)

    pixels = as_picture(name, row(group.images))
    scales = _scales(part, index)
    widths = _of_image(part, "psf_fwhm", index)
    bands = part.facts.get("bands")
    if bands is not None and bands.ndim == 2:
        bands = bands[index]
    scale = _positive(scales[:1]) or part.header.get("pixel_scale")
    unit = access.units.get(group.images, "")
    picture = Picture(
        pixels,
        access.dtypes[group.images],
        scale,
        unit,
        psf_fwhm=_positive(widths) or part.header.get("psf_fwhm"),
        bands=tuple(texts_of(bands)) if bands is not None and len(bands) == len(pixels) else (),
        microjansky=microjansky_of(unit, scale, access.headers.get(group.images, {})),
    )
    keys = {role: key for role, key in group.partners.items() if role in PLANES}
    planes = {
        role: part.facts[role] if role in group.shared else row(key) for role, key in keys.items()
    }
    return with_planes(name, picture, planes, keys) if planes else picture


def _positive(values: np.ndarray) -> float | None:
    """The mean of positive numbers; `None` where there are none, or others among them."""
    known = len(values) > 0 and np.isfinite(values).all() and (values > 0).all()
    return float(np.mean(values)) if known else None


def _scales(part: _Part, index: int) -> np.ndarray:
    """Sides of pixels of one image [arcsec]: as stated, else by its matrix of pixels to angles."""
    stated, matrix = _of_image(part, "scale", index), _of_image(part, "matrix", index)
    if len(stated) or len(matrix) != 4:
        return stated
    area = abs(float(np.linalg.det(matrix.reshape(2, 2))))
    return np.array([math.sqrt(area)])


def _of_image(part: _Part, role: str, index: int) -> np.ndarray:
    """What a small array says of one image: its row, or the whole where it has one value."""
    values = part.facts.get(role)
    if values is None or values.dtype.kind not in "iuf":
        return np.zeros(0)
    if values.shape[:1] == (part.group.count,) and not part.group.single:
        values = values[index]
    return np.asarray(values, dtype=np.float64).reshape(-1)


def _columns(parts: Sequence[_Part], access: Access) -> dict[str, Column]:
    """Columns over the images of all parts, NaN or empty where a part has none."""
    names = dict.fromkeys(name for part in parts for name in part.group.columns)
    usual, units = columns_and_units(names)
    columns = {}
    for name in names:
        pieces: list[Column | None] = [
            as_column(
                access.whole(part.group.columns[name]),
                access.units.get(part.group.columns[name], ""),
            )
            if name in part.group.columns
            else None
            for part in parts
        ]
        known = next(piece for piece in pieces if piece is not None)
        blank = np.nan if known.numeric else ""
        values = [
            piece.values if piece is not None else np.full(part.group.count, blank)
            for piece, part in zip(pieces, parts, strict=True)
        ]
        unit = known.unit or units.get(usual[name], "")
        columns[usual[name]] = Column(np.concatenate(values), unit)
    return columns
