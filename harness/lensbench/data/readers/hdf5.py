"""HDF5 with images under one key and, where there are, classes and more under others."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.data.names import columns_and_units
from lensbench.data.picture import Selection, Source
from lensbench.data.readers import tables
from lensbench.data.readers.array_parts import Shape
from lensbench.data.readers.arrays import groups_of
from lensbench.data.readers.grouped import Access, grouped_source
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.labels import class_text
from lensbench.data.readers.rows import with_rows
from lensbench.data.texts import text_of
from lensbench.errors import DataError
from lensbench.files import check_expansion, check_members

_CACHE_BYTES = 2**28
"""Most that unpacked chunks of a file may take in memory, beside one that is larger."""

_MOST_SOURCES = 10_000
"""Parts of a virtual dataset."""


def open_hdf5(path: Path, selection: Selection) -> Source:
    """Source of an HDF5 file that is not one of lensbench's own."""
    with reading(path, "HDF5"), h5py.File(path, "r") as file:
        shapes = find_datasets(path, file)
        dtypes = {name: _dtype(file, name) for name in shapes}
        arrays = {name: Shape(shape, dtypes[name].kind) for name, shape in shapes.items()}
        key, labels = selection.key.strip("/"), selection.labels.strip("/")
        listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
        if key and key not in shapes:
            raise DataError(f"{str(path)!r} has no images under {key!r}", f"it has {listed}")
        if labels and labels not in shapes:
            raise DataError(f"{str(path)!r} has nothing under {labels!r}", f"it has {listed}")
        if key:
            check_dataset(path, file[key])
        groups, left = groups_of(arrays, key, labels, selection.split_column)
        if not groups:
            others = [name for name, one in arrays.items() if one.kind not in "biuf"]
            wrong = f" ({others[0]!r} holds text or records, expected numbers)" if others else ""
            raise DataError(
                f"{str(path)!r} has no dataset that looks like images{wrong}",
                f"name one with --key; it has {listed}",
            )
        for group in groups:
            check_dataset(path, file[group.images])
        rows = _Rows(path)
        access = Access(
            rows.whole,
            rows.row,
            {name: dtype.str for name, dtype in dtypes.items()},
            {name: _unit(file[name]) for name in shapes if name in file},
            {group.images: _header(file, group.images) for group in groups},
        )
        count = sum(group.count for group in groups)
        title = f"HDF5 of {count} images, shape {shapes[groups[0].images]}"
        source = grouped_source(path, "hdf5", title, groups, access)
        if len(groups) > 1 and all(group.single for group in groups):
            source = _with_attributes(source, [file[group.images] for group in groups])
    options = replace(selection, key=key, labels=labels).of_arrays
    return replace(source, options=options, left_out=tuple(left))


def _with_attributes(source: Source, images: Sequence[h5py.Dataset]) -> Source:
    """A source with what datasets of one image each, and the groups that they are in, state."""
    named: list[dict[str, str]] = []
    for stored in images:
        above = stored.name.strip("/").split("/")[:-1]
        places = ["/".join(above[: depth + 1]) for depth in range(len(above))]
        holders = [*(stored.file[place] for place in places), stored]
        known = {name: one.attrs[name] for one in holders for name in one.attrs}
        single = {n: np.ravel(v)[0] for n, v in known.items() if np.size(v) == 1}
        named.append({name: class_text(value) for name, value in single.items()})
    plain, units = columns_and_units(dict.fromkeys(name for row in named for name in row))
    rows = [{plain[name]: text for name, text in row.items()} for row in named]
    table = tables.Table(rows={str(i): row for i, row in enumerate(rows)}, units=units)
    return with_rows(source, table, Selection())


def _stated(thing: h5py.HLObject) -> dict[str, Any]:
    """Texts and numbers that a dataset or group says of itself, by names in capitals."""
    values = {name.upper(): thing.attrs[name] for name in thing.attrs}
    texts = {n: text_of(v) for n, v in values.items() if isinstance(v, bytes | str)}
    return texts | {n: v.item() for n, v in values.items() if isinstance(v, np.number)}


def _unit(stored: h5py.Dataset) -> str:
    """The unit that a dataset states; empty where it states none."""
    stated = _stated(stored)
    return next((str(stated[name]) for name in ("UNIT", "UNITS", "BUNIT") if name in stated), "")


def _header(file: h5py.File, images: str) -> dict[str, Any]:
    """What a file says of images: the attributes of these and of the groups that they are in."""
    found = _stated(file)
    for depth, _ in enumerate(parts := images.split("/")):
        found |= _stated(file["/".join(parts[: depth + 1])])
    return found


def _dtype(file: h5py.File, name: str) -> np.dtype:
    """Type of a dataset, or of a field of one of records."""
    table, _, field = name.rpartition("/")
    dtype: np.dtype = file[name].dtype if name in file else file[table].dtype[field]
    return dtype


class _Rows:
    """Rows of datasets, by whole chunks: a chunk that holds many images is unpacked once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blocks: OrderedDict[tuple[str, int], np.ndarray] = OrderedDict()
        self._steps: dict[str, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_path": self._path, "_blocks": OrderedDict(), "_steps": {}}

    def whole(self, key: str) -> np.ndarray:
        """A dataset."""
        with h5py.File(self._path, "r") as file:
            if key in file:
                return read_whole(self._path, file[key])
            table, _, field = key.rpartition("/")
            return np.asarray(read_whole(self._path, file[table])[field])

    def row(self, key: str, index: int) -> np.ndarray:
        """One row of a dataset."""
        step = self._steps.get(key)
        if step is not None and (block := self._blocks.get((key, index // step))) is not None:
            self._blocks.move_to_end((key, index // step))
            return np.asarray(block[index % step])
        with h5py.File(self._path, "r") as file:
            stored = file[key]
            step = self._steps[key] = stored.chunks[0] if stored.chunks else 1
            place = index // step
            block = np.asarray(stored[place * step : (place + 1) * step])
        if step > 1:
            self._blocks[key, place] = block
            while len(self._blocks) > 1 and self._bytes() > _CACHE_BYTES:
                self._blocks.popitem(last=False)
        return np.asarray(block[index % step])

    def _bytes(self) -> int:
        return sum(block.nbytes for block in self._blocks.values())


def find_datasets(path: Path, file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Shape of every dataset by its name; virtual ones show others of the same file.

    Of records, fields of one value are datasets of their own.

    Raises:
        DataError: Where a part of the file lies in another file, which is not followed, or a
            virtual dataset shows more than there is.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    virtual: list[str] = []

    def visit(group: Any, prefix: str, depth: int) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise _elsewhere(path, prefix + name, link.filename)
            if isinstance(link, h5py.SoftLink):
                continue
            child = group.get(name)
            if isinstance(child, h5py.Dataset) and child.shape is not None:
                if child.external:
                    raise _elsewhere(path, prefix + name, str(child.external[0][0]))
                if child.is_virtual:
                    virtual.append(prefix + name)
                fields = child.dtype.names or ()
                flat = [field for field in fields if not child.dtype[field].shape]
                shapes.update({f"{prefix}{name}/{field}": tuple(child.shape) for field in flat})
                if not fields or len(flat) < len(fields):
                    shapes[prefix + name] = tuple(child.shape)
            elif isinstance(child, h5py.Group) and depth < 8:
                visit(child, f"{prefix}{name}/", depth + 1)

    visit(file, "", 0)
    check_members(path, len(shapes))
    for name in virtual:
        _check_virtual(path, file[name], shapes.keys() - set(virtual))
    return shapes


def _check_virtual(path: Path, stored: h5py.Dataset, plain: Set[str]) -> None:
    """Refuses a virtual dataset that shows other files, what is no plain dataset, or too much."""
    name, shown = stored.name.strip("/"), 0
    check_members(path, stored.id.get_create_plist().get_virtual_count(), _MOST_SOURCES)
    sources = stored.virtual_sources()
    for source in sources:
        if source.file_name != ".":
            raise _elsewhere(path, name, source.file_name)
        if source.dset_name.strip("/") not in plain:
            raise DataError(
                f"{str(path)!r} shows in {name!r} what is no plain dataset: {source.dset_name!r}",
                "copy the data into one dataset",
            )
        shown += source.vspace.get_select_npoints()
    kept = sum(stored.file[one].size for one in {source.dset_name for source in sources})
    if stored.size > min(shown, kept):
        raise DataError(
            f"{str(path)!r} claims {stored.size} values in {name!r}, which shows "
            f"{min(shown, kept)} of other datasets",
            "the rest is missing or repeated; copy the values that differ",
        )


def _elsewhere(path: Path, name: str, other: str) -> DataError:
    return DataError(
        f"{str(path)!r} keeps {name!r} in another file, {other!r}",
        "links out of a file are not followed; copy the data into it",
    )


def _stored_bytes(stored: h5py.Dataset) -> int:
    """Bytes on disk of a dataset, or of those that a virtual one shows."""
    if not stored.is_virtual:
        return int(stored.id.get_storage_size())
    names = {source.dset_name for source in stored.virtual_sources()}
    return sum(stored.file[name].id.get_storage_size() for name in names)


def check_dataset(path: Path, stored: h5py.Dataset) -> None:
    """Refuses a dataset of no numbers, or one that claims more than is stored.

    Raises:
        DataError: Naming the dataset.
    """
    if stored.dtype.kind not in "biuf":
        raise DataError(
            f"{str(path)!r} holds {stored.dtype} under {stored.name!r}, expected numbers",
            "name another with --key",
        )
    check_shape(path, tuple(stored.shape))
    if stored.chunks:
        chunk = math.prod(stored.chunks) * stored.dtype.itemsize
        check_expansion(path, stored.id.get_storage_size(), chunk)
    claimed, kept = stored.size * stored.dtype.itemsize, _stored_bytes(stored)
    if kept == 0 or claimed > max(2**28, 5000 * kept):
        raise DataError(
            f"{str(path)!r} claims {claimed} bytes under {stored.name!r} and stores {kept}",
            "the file was not written to its end, or is made to fill the memory",
        )


def read_whole(path: Path, stored: h5py.Dataset) -> np.ndarray:
    """All values of a dataset of names, classes or numbers.

    Raises:
        DataError: Where it would fill the memory.
    """
    claimed = stored.size * stored.dtype.itemsize
    check_expansion(path, _stored_bytes(stored), claimed)
    return np.asarray(stored[()])
