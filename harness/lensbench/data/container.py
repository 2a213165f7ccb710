"""The images file of lensbench: HDF5 with all that is needed to check it and to render it again.

Layout, version 1:

| path | shape | what |
|---|---|---|
| `/scenes/id` | (N,) | name of each scene |
| `/scenes/targets/NAME` | (N,) | targets; classes are indices, their names in `classes` |
| `/scenes/parameters/NAME` | (N, …) | all that was drawn or is known |
| `/images/CONDITION/pixels` | (n, C, H, W) | float32, its `unit` and the condition in attributes |
| `/images/CONDITION/scene` | (n,) | row of each image in `/scenes` |
| `/images/CONDITION/psf`, `noise` | (n, h, w) | where known |

Every dataset is chunked with a Fletcher-32 checksum a chunk and has its SHA-256 in `sha256`. The
attribute `complete` of the file is written last.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

FORMAT = "lensbench-images"
VERSION = 1
_BLOCK_BYTES = 2**24


class Container:
    """An images file that is being written."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file

    def describe(self, path: str, attributes: Mapping[str, Any]) -> None:
        """Sets attributes of the file (`/`) or a group; texts, numbers and lists of them."""
        group = self._file.require_group(path) if path != "/" else self._file
        _set(group, attributes)

    def __contains__(self, path: str) -> bool:
        return path in self._file

    def mark(self, path: str, attributes: Mapping[str, Any]) -> None:
        """Sets attributes of a dataset."""
        _set(self._file[path], attributes)

    def append(self, path: str, rows: np.ndarray) -> None:
        """Adds rows (n, ...) to a dataset, which is made on first sight."""
        if path not in self._file:
            per_row = max(1, rows.dtype.itemsize * int(np.prod(rows.shape[1:], dtype=np.int64)))
            chunk = int(np.clip(2**18 // per_row, 1, 4096))
            self._file.create_dataset(
                path,
                shape=(0, *rows.shape[1:]),
                maxshape=(None, *rows.shape[1:]),
                dtype=rows.dtype,
                chunks=(chunk, *rows.shape[1:]),
                fletcher32=True,
            )
        stored = self._file[path]
        stored.resize(len(stored) + len(rows), axis=0)
        stored[len(stored) - len(rows) :] = rows

    def seal(self) -> None:
        """Writes the SHA-256 of every dataset, and then that the file is complete."""
        for stored in datasets_of(self._file):
            _set(stored, {"sha256": sha256_of(stored)})
        self._file.attrs["complete"] = True


@contextmanager
def writing_container(path: Path, attributes: Mapping[str, Any]) -> Iterator[Container]:
    """Writes a new images file; what the block leaves is sealed."""
    with h5py.File(path, "w", track_order=True) as file:
        container = Container(file)
        container.describe("/", {"format": FORMAT, "format_version": VERSION, **attributes})
        yield container
        container.seal()


def _set(thing: h5py.HLObject, attributes: Mapping[str, Any]) -> None:
    """Sets attributes, texts as UTF-8 of fixed length; empty ones are left out.

    Texts of variable length would lie in a heap, in which one flipped bit can hang the library.
    """
    for name, value in attributes.items():
        if isinstance(value, str) and value:
            thing.attrs[name] = np.bytes_(value.encode())
        elif isinstance(value, list):
            thing.attrs[name] = np.array([text.encode() for text in value])
        elif value is not None and value != "":
            thing.attrs[name] = value


def attribute(thing: h5py.HLObject, name: str) -> Any:
    """An attribute with texts decoded; `None` where it is not there or of variable length."""
    if name not in thing.attrs:
        return None
    text = h5py.check_string_dtype(thing.attrs.get_id(name).dtype)
    if text is not None and text.length is None:
        return None
    value = thing.attrs[name]
    if isinstance(value, np.ndarray) and value.dtype.kind == "S":
        return [one.decode("utf-8", "replace") for one in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def datasets_of(file: h5py.File) -> list[h5py.Dataset]:
    """All datasets of a file, in the order of their names."""
    found: dict[str, h5py.Dataset] = {}

    def keep(name: str, thing: object) -> None:
        if isinstance(thing, h5py.Dataset):
            found[name] = thing

    file.visititems(keep)
    return [found[name] for name in sorted(found)]


def sha256_of(stored: h5py.Dataset) -> str:
    """SHA-256 of the little-endian bytes of a dataset in C order, read a block at a time."""
    digest = hashlib.sha256()
    per_row = max(1, stored.dtype.itemsize * int(np.prod(stored.shape[1:], dtype=np.int64)))
    step = max(1, _BLOCK_BYTES // per_row)
    for start in range(0, len(stored), step):
        block = np.asarray(stored[start : start + step])
        if block.dtype.kind in "iuf":
            block = block.astype(block.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(block).tobytes())
    return digest.hexdigest()


def damaged(path: Path, report: Callable[[int, int, str], None]) -> list[str]:
    """Names of the datasets of a file whose content is not what was written."""
    wrong = []
    with h5py.File(path, "r") as file:
        stored = datasets_of(file)
        for done, dataset in enumerate(stored):
            try:
                right = sha256_of(dataset) == attribute(dataset, "sha256")
            except OSError:  # the checksum of a chunk does not fit
                right = False
            if not right:
                wrong.append(str(dataset.name))
            report(done + 1, len(stored), str(dataset.name))
    return wrong
