"""The images file of lensbench: an item a scene and condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.data.container import FORMAT, VERSION
from lensbench.data.picture import Item, Picture, Source
from lensbench.data.readers.guard import reading
from lensbench.data.readers.hdf5 import check_dataset, find_datasets
from lensbench.errors import DataError


def is_container(path: Path) -> bool:
    """Whether an HDF5 file says that it is lensbench's own."""
    with h5py.File(path, "r") as file:
        return _text(file.attrs.get("format", "")) == FORMAT


def open_container(path: Path) -> Source:
    """Source of an images file.

    Raises:
        DataError: Where it was not written to its end, is newer, or is damaged.
    """
    with reading(path, "images file of lensbench"), h5py.File(path, "r") as file:
        facts = {name: _text(value) for name, value in file.attrs.items()}
        if int(file.attrs.get("format_version", 0)) > VERSION:
            raise DataError(f"{str(path)!r} is of a newer lensbench", "update lensbench")
        if not bool(file.attrs.get("complete", False)):
            raise DataError(f"{str(path)!r} was not written to its end", "make it again")
        shapes = find_datasets(path, file)
        ids = [_text(name) for name in file["scenes/id"][()]]
        labels, classes = _classes(file, len(ids))
        splits = [_text(s) for s in file["scenes/split"][()]] if "scenes/split" in shapes else []
        conditions = list(file["images"])
        items, places = [], []
        for name in conditions:
            check_dataset(path, file[f"images/{name}/pixels"])
            rows = np.asarray(file[f"images/{name}/scene"][()])
            if len(rows) != len(file[f"images/{name}/pixels"]) or (rows >= len(ids)).any():
                raise DataError(f"{str(path)!r}: rows of {name!r} do not fit", "make it again")
            for place, row in enumerate(rows.tolist()):
                scene = ids[row]
                full = f"{scene}#{name}" if len(conditions) > 1 else scene
                split = splits[row] if splits else facts.get("split", "")
                items.append(Item(full, labels[row], split, name, scene))
                places.append((name, place, row))
        values = [name for name in shapes if name.startswith(("scenes/targets/", "scenes/param"))]
        numbers = {name.rpartition("/")[2]: file[name][()] for name in values
                   if len(shapes[name]) == 1}  # fmt: skip

    def read(index: int) -> Picture:
        name, place, row = places[index]
        with reading(path, "images file of lensbench"), h5py.File(path, "r") as opened:
            group = opened[f"images/{name}"]
            scale = (
                group["pixel_scale"][place]
                if "pixel_scale" in group
                else group.attrs.get("pixel_scale")
            )
            return Picture(
                np.asarray(group["pixels"][place], np.float32),
                str(group["pixels"].dtype.str),
                float(scale) if scale is not None and scale > 0 else None,
                _text(group.attrs.get("unit", "")),
                np.asarray(group["psf"][place]) if "psf" in group else None,
                np.asarray(group["noise"][place]) if "noise" in group else None,
                {key: float(column[row]) for key, column in numbers.items()},
            )

    title = f"images file of lensbench: {len(ids)} scenes under {', '.join(conditions)}"
    return Source(str(path), "lensbench", title, tuple(items), read, (), "", facts, classes)


def _classes(file: h5py.File, count: int) -> tuple[list[str], tuple[str, ...]]:
    """Class of each scene and all classes, from the first target that has classes."""
    for stored in file["scenes"].get("targets", {}).values():
        if "classes" in stored.attrs:
            classes = tuple(_text(name) for name in stored.attrs["classes"])
            indices = np.asarray(stored[()])
            return [classes[i] if 0 <= i < len(classes) else "" for i in indices], classes
    return [""] * count, ()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
