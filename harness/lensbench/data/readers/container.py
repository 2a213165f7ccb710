"""The images file of lensbench: an item a scene and condition."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from lensbench.data.container import FORMAT, VERSION, attribute
from lensbench.data.picture import Column, Item, Picture, Source
from lensbench.data.readers.guard import reading
from lensbench.data.readers.hdf5 import check_dataset, find_datasets, read_whole
from lensbench.data.texts import texts_of
from lensbench.errors import DataError


def is_container(path: Path) -> bool:
    """Whether an HDF5 file says that it is lensbench's own."""
    with h5py.File(path, "r") as file:
        return bool(attribute(file, "format") == FORMAT)


def open_container(path: Path) -> Source:
    """Source of an images file.

    Raises:
        DataError: Where it was not written to its end, is newer, or is damaged.
    """
    with reading(path, "images file of lensbench"), h5py.File(path, "r") as file:
        facts = {name: str(attribute(file, name)) for name in file.attrs}
        if int(attribute(file, "format_version") or 0) > VERSION:
            raise DataError(f"{str(path)!r} is of a newer lensbench", "update lensbench")
        if not bool(attribute(file, "complete")):
            raise DataError(f"{str(path)!r} was not written to its end", "make it again")
        shapes = find_datasets(path, file)
        ids = texts_of(read_whole(path, file["scenes/id"]))
        labels, classes = _classes(path, file, len(ids))
        splits = (
            texts_of(read_whole(path, file["scenes/split"])) if "scenes/split" in shapes else []
        )
        conditions = list(file["images"])
        items, places = [], []
        for name in conditions:
            check_dataset(path, file[f"images/{name}/pixels"])
            rows = read_whole(path, file[f"images/{name}/scene"])
            if len(rows) != len(file[f"images/{name}/pixels"]) or (rows >= len(ids)).any():
                raise DataError(f"{str(path)!r}: rows of {name!r} do not fit", "make it again")
            for place, row in enumerate(rows.tolist()):
                scene = ids[row]
                full = f"{scene}#{name}" if len(conditions) > 1 else scene
                split = splits[row] if splits else facts.get("split", "")
                items.append(Item(full, labels[row], split, name, scene))
                places.append((name, place, row))
        values = [name for name in shapes if name.startswith(("scenes/targets/", "scenes/param"))]
        numbers: dict[str, np.ndarray] = {}
        columns: dict[str, Column] = {}
        rows_of_items = [row for _, _, row in places]
        for full in (name for name in values if len(shapes[name]) == 1):
            name, stored = full.rpartition("/")[2], file[full]
            numbers[name] = read_whole(path, stored)
            kinds = attribute(stored, "classes")
            chosen = numbers[name][rows_of_items]
            if kinds:
                texts = [kinds[i] if 0 <= i < len(kinds) else "" for i in chosen.tolist()]
                columns[name] = Column(np.array(texts))
            else:
                unit = str(attribute(stored, "unit") or "")
                columns[name] = Column(chosen.astype(np.float64), unit)

    def read(index: int) -> Picture:
        name, place, row = places[index]
        with reading(path, "images file of lensbench"), h5py.File(path, "r") as opened:
            group = opened[f"images/{name}"]
            scale = attribute(group, "pixel_scale")
            if "pixel_scale" in group:
                scale = group["pixel_scale"][place]
            return Picture(
                np.asarray(group["pixels"][place], np.float32),
                str(group["pixels"].dtype.str),
                float(scale) if scale is not None and scale > 0 else None,
                str(attribute(group, "unit") or ""),
                np.asarray(group["psf"][place]) if "psf" in group else None,
                np.asarray(group["noise"][place]) if "noise" in group else None,
                {key: float(column[row]) for key, column in numbers.items()},
                np.asarray(group["mask"][place]) > 0 if "mask" in group else None,
                _width(numbers, row, attribute(group, "psf_fwhm")),
                tuple(filter(None, str(attribute(group, "bands") or "").split(","))),
            )

    title = f"images file of lensbench: {len(ids)} scenes under {', '.join(conditions)}"
    return Source(
        str(path), "lensbench", title, tuple(items), read, (), "", facts, classes, columns
    )


def _width(numbers: dict[str, np.ndarray], row: int, of_condition: object) -> float | None:
    """Width of the PSF [arcsec]: of the image, else of the condition that it is under."""
    known = numbers.get("psf_fwhm")
    value = float(known[row]) if known is not None else of_condition
    positive = isinstance(value, int | float | np.number) and np.isfinite(value) and value > 0
    return float(value) if positive else None  # type: ignore[arg-type]


def _classes(path: Path, file: h5py.File, count: int) -> tuple[list[str], tuple[str, ...]]:
    """Class of each scene and all classes, from the first target that has classes."""
    for stored in file["scenes"].get("targets", {}).values():
        if attribute(stored, "classes"):
            classes = tuple(attribute(stored, "classes"))
            indices = read_whole(path, stored)
            return [classes[i] if 0 <= i < len(classes) else "" for i in indices], classes
    return [""] * count, ()
