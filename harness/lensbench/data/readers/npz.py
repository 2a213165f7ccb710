""".npz files: images with their classes, splits and numbers, each an array."""

from __future__ import annotations

import functools
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lensbench.data.picture import Picture, Selection, Source
from lensbench.data.readers.array_parts import Shape
from lensbench.data.readers.arrays import groups_of
from lensbench.data.readers.axes import is_image, is_stack
from lensbench.data.readers.grouped import Access, grouped_source
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.npy_header import read_header
from lensbench.errors import DataError
from lensbench.files import check_expansion, check_members


def open_npz(path: Path, selection: Selection) -> Source:
    """Source of a .npz file: stacks with classes where there are some, else single images."""
    with reading(path, "NumPy .npz"):
        arrays, dtypes, objects = _headers(path)
        for wanted in (selection.key, selection.labels):
            if wanted and wanted not in arrays:
                raise DataError(
                    f"{str(path)!r} has no array {wanted!r}", f"it has {', '.join(arrays)}"
                )
        if selection.key:
            _check_images(path, selection.key, arrays[selection.key])
        groups, left = groups_of(arrays, selection.key, selection.labels, selection.split_column)
        if not groups:
            listed = ", ".join(f"{name} {one.shape}" for name, one in arrays.items())
            texts = [name for name, one in arrays.items() if one.kind not in "biuf"]
            wrong = f"; {texts[0]!r} holds text, expected numbers" if texts else ""
            raise DataError(f"{str(path)!r} holds no images: {listed}{wrong}", "use --key")

        @functools.lru_cache(maxsize=8)
        def load(name: str) -> np.ndarray:
            with np.load(path, allow_pickle=False) as opened:
                return np.asarray(opened[name])

        access = Access(load, lambda name, index: load(name)[index], dtypes, {})
        count = sum(group.count for group in groups)
        source = grouped_source(
            path,
            "named-images" if all(group.single for group in groups) else "stack",
            f".npz file of {count} images, shape {arrays[groups[0].images].shape}",
            groups,
            access,
        )
    return replace(source, options=selection.of_arrays, left_out=(*left, *objects))


def read_npz(path: Path, selection: Selection) -> Picture:
    """The only image of a .npz file."""
    source = open_npz(path, selection)
    if len(source.items) != 1:
        raise DataError(f"{str(path)!r} holds {len(source.items)} images, expected one", "")
    return source.read(0)


def _check_images(path: Path, key: str, array: Shape) -> None:
    if not (is_stack(array.shape) or is_image(array.shape)) or array.kind not in "biuf":
        raise DataError(
            f"{str(path)!r}: {key!r} has shape {array.shape}, which is no stack of images",
            "name the array of the images with --key",
        )


def _headers(path: Path) -> tuple[dict[str, Shape], dict[str, str], list[str]]:
    """Shapes and types by name, from the headers alone, held against the sizes in the archive.

    Arrays of Python objects are never read: they come last, a sentence each.
    """
    objects: list[str] = []
    arrays: dict[str, Shape] = {}
    dtypes: dict[str, str] = {}
    packed, unpacked = path.stat().st_size, 0
    with zipfile.ZipFile(path) as archive:
        check_members(path, len(archive.infolist()))
        for info in archive.infolist():
            if not info.filename.endswith(".npy"):
                continue
            unpacked += info.file_size
            check_expansion(path, packed, unpacked)
            with archive.open(info) as file:
                shape, _, dtype = read_header(path, file)
            name = info.filename.removesuffix(".npy")
            if dtype.hasobject:
                objects.append(f"{name!r} {shape}: Python objects; write texts as np.array(…, str)")
                continue
            check_shape(path, shape or (1,))
            if int(np.prod(shape, dtype=object)) * dtype.itemsize > info.file_size:
                raise DataError(
                    f"{str(path)!r}: {info.filename} claims the shape {shape}, more than it holds",
                    "fetch or write the file again",
                )
            arrays[name], dtypes[name] = Shape(shape, dtype.kind), dtype.str
    return arrays, dtypes, objects
