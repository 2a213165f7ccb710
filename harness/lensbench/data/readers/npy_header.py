"""The bytes of a .npy file: its header, held against the file, and a memory map of its numbers."""

from __future__ import annotations

import contextlib
import functools
import io
import math
import os
from pathlib import Path
from typing import Literal

import numpy as np

from lensbench.data.readers.axes import is_image
from lensbench.data.readers.guard import check_shape, reading
from lensbench.errors import DataError

MAGIC = b"\x93NUMPY"
"""How a .npy file begins."""

_HEAD = 256


def open_array(path: Path) -> np.ndarray:
    """A memory map of a .npy file, its header held against the size of the file.

    Raises:
        DataError: Where it is an object pickle, damaged, or no .npy file.
    """
    with reading(path, "NumPy .npy"), path.open("rb") as file:
        shape, fortran, dtype = read_header(path, file)
        offset = file.tell()
        if dtype.hasobject:
            raise DataError(
                f"{str(path)!r} is an object pickle, which runs code when it is loaded",
                f"`lensbench data convert {path} images.h5` reads the arrays in it and no more",
            )
        check_shape(path, shape)
        wanted = math.prod(shape) * dtype.itemsize
        found = path.stat().st_size - offset
        if found < wanted:
            raise DataError(
                f"{str(path)!r} is cut short: {found} bytes of data, its header says {wanted}",
                "fetch or write the file again",
            )
        return map_numbers(path, dtype, offset, shape, fortran)


def map_numbers(
    path: Path, dtype: np.dtype, offset: int, shape: tuple[int, ...], fortran: bool = False
) -> np.ndarray:
    """Numbers of a file, read when they are asked for."""
    order: Literal["F", "C"] = "F" if fortran else "C"
    mapped: np.ndarray = np.memmap(path, dtype, "r", offset=offset, shape=shape, order=order)
    return mapped


def read_header(path: Path, file: object) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, Fortran order and dtype of an open .npy file."""
    version = np.lib.format.read_magic(file)  # type: ignore[arg-type]
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)  # type: ignore[arg-type]
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)  # type: ignore[arg-type]
    else:
        raise DataError(f"{str(path)!r} is of .npy version {version}", "write it as 1.0 or 2.0")
    if any(side < 0 for side in shape):
        raise DataError(f"{str(path)!r} claims the shape {shape}", "the header is damaged")
    return tuple(shape), fortran, dtype


def is_pickled(path: Path | str) -> bool:
    """Whether a file is a .npy of objects."""
    return stored_shape(path) == ()


def is_single(path: Path | str) -> bool:
    """Whether a .npy is one image, or a pickle, which is taken for one."""
    shape = stored_shape(path)
    return shape == () or (shape is not None and is_image(shape))


def is_flat(path: Path | str) -> bool:
    """Whether a .npy has one value a row, such as a class for each image, and no image."""
    shape = stored_shape(path)
    return shape is not None and shape != () and max((*shape[1:], 1)) == 1


def stored_shape(path: Path | str) -> tuple[int, ...] | None:
    """Shape from a header, `()` for a pickle, `None` where there is no header.

    That of records is the one of their largest field.
    """
    handle = os.open(path, os.O_RDONLY)  # a third of the time of `open`, for a hundred thousand
    try:
        head = os.read(handle, _HEAD)
    finally:
        os.close(handle)
    if not head.startswith(MAGIC):
        return None
    end = 10 + int.from_bytes(head[8:10], "little")
    if head[6:8] == b"\x01\x00" and end <= _HEAD:
        with contextlib.suppress(Exception):  # a bad header is read again, with an error below
            return _shape_in(head[:end])  # nearly all files of a folder have the same header
    with reading(path, "NumPy .npy"), Path(path).open("rb") as file:
        shape, _, dtype = read_header(Path(path), file)
    return _shape_of(shape, dtype)


@functools.lru_cache(maxsize=4096)
def _shape_in(head: bytes) -> tuple[int, ...]:
    shape, _, dtype = read_header(Path("header"), io.BytesIO(head))
    return _shape_of(shape, dtype)


def _shape_of(shape: tuple[int, ...], dtype: np.dtype) -> tuple[int, ...]:
    fields = [dtype[name].shape for name in dtype.names or ()]
    return () if dtype.hasobject else shape + max(fields, key=math.prod, default=()) or (1,)
