"""Named arrays in one HDF5 file, each in one piece, so that it can be mapped into memory."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.errors import DataError


class ArrayWriter:
    """Fills the arrays of an open file, row by row from the first."""

    def __init__(self, file: h5py.File, rows: int) -> None:
        self._file = file
        self._rows = rows
        self._filled: dict[str, int] = {}

    def append(self, rows: Mapping[str, np.ndarray]) -> None:
        """Adds rows (n, ...) to the arrays of these names, which are made on first sight."""
        for name, values in rows.items():
            if name not in self._file:
                shape = (self._rows, *values.shape[1:])
                self._file.create_dataset(name, shape=shape, dtype=values.dtype)
            start = self._filled.get(name, 0)
            self._filled[name] = start + len(values)
            self._file[name][start : start + len(values)] = values

    def check(self) -> None:
        """Refuses arrays with rows that were never written.

        Raises:
            DataError: Naming the first.
        """
        for name, filled in self._filled.items():
            if filled != self._rows:
                raise DataError(f"array {name!r} has {filled} of {self._rows} rows")


@contextmanager
def writing_arrays(path: Path, attributes: Mapping[str, Any], rows: int) -> Iterator[ArrayWriter]:
    """Opens a new file whose arrays get so many rows; attributes are stored beside them."""
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs.update(attributes)
        writer = ArrayWriter(file, rows)
        yield writer
        writer.check()


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays of equally many rows in one go."""
    rows = len(next(iter(arrays.values()))) if arrays else 0
    with writing_arrays(path, {}, rows) as writer:
        writer.append(arrays)


def read_attributes(path: Path) -> dict[str, Any]:
    """What is stored beside the arrays of a file.

    Raises:
        DataError: Where the file is not one of arrays.
    """
    try:
        with h5py.File(path, "r") as file:
            return dict(file.attrs)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read as HDF5: {error}") from error


def map_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file, mapped into memory: read when touched, in pages that processes share.

    A change stays in the process and never reaches the file.

    Raises:
        DataError: Where the file is not one of arrays.
    """
    try:
        status = path.stat()
        places = _places(path, status.st_size, status.st_mtime_ns, status.st_ino)
        whole = np.memmap(path, np.uint8, "c")
        return {name: place.of(whole, path, name) for name, place in places.items()}
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read as HDF5: {error}") from error


@dataclass(frozen=True)
class _Place:
    """Where an array lies in its file; `offset` is `None` where it is not in one piece."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int | None

    def of(self, whole: np.ndarray, path: Path, name: str) -> np.ndarray:
        """The array, of a mapped file's bytes."""
        if self.offset is None:
            with h5py.File(path, "r") as file:
                return np.asarray(file[name][()])
        size = self.dtype.itemsize * math.prod(self.shape)
        return whole[self.offset : self.offset + size].view(self.dtype).reshape(self.shape)


@functools.lru_cache(maxsize=1024)
def _places(path: Path, size: int, changed: int, inode: int) -> Mapping[str, _Place]:
    """Where the arrays of a file lie, looked up once as long as it stays the same."""
    with h5py.File(path, "r") as file:
        return {
            name: _Place(array.dtype, array.shape, array.id.get_offset())
            for name, array in file.items()
        }
