"""Named arrays in one HDF5 file, chunked by row and with a checksum on each chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lensbench.errors import DataError


class ArrayWriter:
    """Appends rows to the arrays of an open file."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def append(self, rows: Mapping[str, np.ndarray]) -> None:
        """Adds rows (n, ...) to the arrays of these names, which are made on first sight."""
        for name, values in rows.items():
            if name not in self._file:
                self._file.create_dataset(
                    name,
                    data=values,
                    maxshape=(None, *values.shape[1:]),
                    chunks=(_rows_a_chunk(values), *values.shape[1:]),
                    fletcher32=values.dtype.kind != "O",
                )
                continue
            stored = self._file[name]
            stored.resize(len(stored) + len(values), axis=0)
            stored[-len(values) :] = values


def _rows_a_chunk(values: np.ndarray) -> int:
    """Rows that fill about 64 KiB, so that chunks are neither many nor large."""
    row_bytes = max(1, values[:1].nbytes)
    return int(min(4096, max(1, 2**16 // row_bytes)))


@contextmanager
def writing_arrays(path: Path, attributes: Mapping[str, Any]) -> Iterator[ArrayWriter]:
    """Opens a new file for appending rows; attributes are stored beside them."""
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs.update(attributes)
        yield ArrayWriter(file)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays in one go."""
    with writing_arrays(path, {}) as writer:
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


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file.

    Raises:
        DataError: Where the file is not one of arrays.
    """
    try:
        with h5py.File(path, "r") as file:
            return {name: file[name][()] for name in file}
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read as HDF5: {error}") from error
