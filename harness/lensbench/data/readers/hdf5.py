"""HDF5 with images under one key and, where there are, classes under another."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.data.container import attribute
from lensbench.data.picture import Item, Picture, Selection, Source
from lensbench.data.readers.axes import as_picture, is_image, is_stack
from lensbench.data.readers.guard import check_shape, reading
from lensbench.data.readers.labels import LABEL_NAMES, Labels, as_labels
from lensbench.errors import DataError
from lensbench.files import check_expansion, check_members

_KEYS = ("data", "images", "image", "x", "X")


def open_hdf5(path: Path, selection: Selection) -> Source:
    """Source of an HDF5 file that is not one of lensbench's own."""
    with reading(path, "HDF5"), h5py.File(path, "r") as file:
        shapes = find_datasets(path, file)
        key = selection.key.strip("/") or _find_images(shapes)
        if key not in shapes:
            listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise DataError(
                f"{str(path)!r} has no images under {key!r}"
                if key
                else f"{str(path)!r} has no dataset that looks like images",
                f"name one with --key; it has {listed or 'nothing'}",
            )
        stored = file[key]
        check_dataset(path, stored)
        dtype, unit = stored.dtype.str, str(attribute(stored, "unit") or "")
        single = is_image(stored.shape) and not is_stack(stored.shape)
        count = 1 if single else len(stored)
        labels = _labels(path, file, shapes, selection, count)
        shape = stored.shape

    def read(index: int) -> Picture:
        with reading(path, "HDF5"), h5py.File(path, "r") as opened:
            array = np.asarray(opened[key][()] if single else opened[key][index])
        return Picture(as_picture(f"{path}#{index}", array), dtype, unit=unit)

    notes = [f"Images are under {key!r}."]
    if labels.origin:
        notes.append(f"Classes are under {labels.origin!r}.")
    options = f"--key {key}" + (f" --labels {labels.origin}" if labels.origin else "")
    return Source(
        str(path), "hdf5", f"HDF5 of {count} images, shape {shape}",
        tuple(Item(f"{path.name}#{i}", labels.of(i)) for i in range(count)),
        read, tuple(notes), options if selection.key else "", classes=labels.classes,
    )  # fmt: skip


def find_datasets(path: Path, file: h5py.File) -> dict[str, tuple[int, ...]]:
    """Shape of every dataset of numbers by its name.

    Raises:
        DataError: Where a part of the file lies in another file, which is not followed.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def visit(group: Any, prefix: str, depth: int) -> None:
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise DataError(
                    f"{str(path)!r} links {prefix + name!r} to another file, {link.filename!r}",
                    "links out of a file are not followed; copy the data into it",
                )
            if isinstance(link, h5py.SoftLink):
                continue
            child = group.get(name)
            if isinstance(child, h5py.Dataset) and child.shape is not None:
                if child.external or child.is_virtual:
                    raise DataError(
                        f"{str(path)!r} keeps {prefix + name!r} in another file",
                        "links out of a file are not followed; copy the data into it",
                    )
                shapes[prefix + name] = tuple(child.shape)
            elif isinstance(child, h5py.Group) and depth < 8:
                visit(child, f"{prefix}{name}/", depth + 1)

    visit(file, "", 0)
    check_members(path, len(shapes))
    return shapes


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
    claimed, kept = stored.size * stored.dtype.itemsize, stored.id.get_storage_size()
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
    check_expansion(path, stored.id.get_storage_size(), claimed)
    return np.asarray(stored[()])


def _find_images(shapes: dict[str, tuple[int, ...]]) -> str:
    fitting = [n for n, shape in shapes.items() if is_stack(shape) or is_image(shape)]
    named = [n for key in _KEYS for n in fitting if n.rpartition("/")[2] == key]
    return (named or sorted(fitting, key=lambda n: -len(shapes[n])) or [""])[0]


def _labels(
    path: Path,
    file: h5py.File,
    shapes: dict[str, tuple[int, ...]],
    selection: Selection,
    count: int,
) -> Labels:
    wanted = selection.labels.strip("/")
    if wanted and wanted not in shapes:
        raise DataError(
            f"{str(path)!r} has nothing under {wanted!r}", f"it has {', '.join(shapes)}"
        )
    beside = [
        name for label in LABEL_NAMES for name, shape in shapes.items()
        if name.rpartition("/")[2].lower() == label and shape in ((count,), (count, 1))
    ]  # fmt: skip
    name = wanted or (beside[0] if beside else "")
    return as_labels(read_whole(path, file[name]), name, count) if name else Labels()
