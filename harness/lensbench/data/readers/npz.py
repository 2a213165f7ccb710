""".npz files: the stack of images in one array, its classes in another."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from lensbench.data.picture import Item, Picture, Selection, Source
from lensbench.data.readers.axes import as_picture, is_image, is_stack
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.labels import LABEL_NAMES, Labels, as_labels
from lensbench.data.readers.npy import stack_source
from lensbench.data.readers.npy_header import read_header
from lensbench.errors import DataError
from lensbench.files import check_expansion, check_members


def open_npz(path: Path, selection: Selection) -> Source:
    """Source of a .npz file: a stack with classes where there is one, else its single images."""
    with reading(path, "NumPy .npz"):
        shapes = _shapes(path)
        stacks = [name for name, shape in shapes.items() if is_stack(shape)]
        images = [name for name, shape in shapes.items() if is_image(shape)]
        key = selection.key or (max(stacks, key=lambda n: shapes[n]) if stacks else "")
        if key and key not in shapes:
            raise DataError(
                f"{str(path)!r} has no array {key!r}", f"--key is one of {', '.join(shapes)}"
            )
        if key and not is_image(shapes[key]):
            return _stack(path, key, shapes, selection)
        if not images:
            listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise DataError(f"{str(path)!r} holds no images: {listed}", "name one with --key")
    chosen = (key,) if key else tuple(images)
    note = f"One array an image; {len(shapes) - len(chosen)} arrays are no images."
    return Source(
        str(path),
        "named-images",
        f"{len(chosen)} images by name in a .npz file",
        tuple(Item(f"{path.name}#{name}") for name in chosen),
        lambda index: _one(path, chosen[index]),
        (note,),
    )


def _stack(
    path: Path, key: str, shapes: dict[str, tuple[int, ...]], selection: Selection
) -> Source:
    array = _load(path, key)
    if not is_stack(array.shape):
        raise DataError(f"{str(path)!r}: {key!r} has shape {array.shape}, which is no stack", "")
    beside = [n for n in shapes if n.lower() in LABEL_NAMES and shapes[n][:1] == array.shape[:1]]
    name = selection.labels or (beside[0] if beside else "")
    if name and name not in shapes:
        raise DataError(f"{str(path)!r} has no array {name!r}", f"it has {', '.join(shapes)}")
    labels = as_labels(_load(path, name), f"{path.name}:{name}", len(array)) if name else Labels()
    options = f"--key {key}" if selection.key else ""
    return stack_source(path, array, labels, f"array {key!r} of a .npz file", options)


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Shape by name, from the headers alone, held against the sizes in the archive."""
    shapes = {}
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
            if dtype.hasobject:
                continue
            check_shape(path, shape or (1,))
            if int(np.prod(shape, dtype=object)) * dtype.itemsize > info.file_size:
                raise DataError(
                    f"{str(path)!r}: {info.filename} claims the shape {shape}, more than it holds",
                    "fetch or write the file again",
                )
            shapes[info.filename.removesuffix(".npy")] = shape
    return shapes


def _load(path: Path, name: str) -> np.ndarray:
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays[name])


def _one(path: Path, name: str) -> Picture:
    with reading(path, "NumPy .npz"):
        array = _load(path, name)
        return Picture(as_picture(f"{path}#{name}", array), array.dtype.str)


def read_npz(path: Path, selection: Selection) -> Picture:
    """The only image of a .npz file."""
    source = open_npz(path, selection)
    if len(source.items) != 1:
        raise DataError(f"{str(path)!r} holds {len(source.items)} images, expected one", "")
    return source.read(0)
