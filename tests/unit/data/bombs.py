"""Small inputs that ask for much: memory, hours, or a wait without end.

They are made for a limit of `FREE` bytes, so that a test of them takes no gigabytes itself.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits

FREE = 2**24
"""Bytes that any compressed file may become."""

Maker = Callable[[Path], Path]
"""Writes an input into a folder and returns what a user would name."""


def npy(side: int, value: float = 1.0) -> bytes:
    """A .npy file of a square image."""
    buffer = io.BytesIO()
    np.save(buffer, np.full((side, side), value, np.float32))
    return buffer.getvalue()


def repeated(values: list[bytes] | list[str], rows: int) -> pa.Array:
    """Values in turn, each of which a dictionary has once."""
    codes = pa.array(np.arange(rows, dtype=np.int32) % len(values))
    return pa.DictionaryArray.from_arrays(codes, pa.array(values))


def _parquet(folder: Path, columns: dict[str, object], **how: object) -> Path:
    pq.write_table(pa.table(columns), folder / "a.parquet", compression="zstd", **how)
    return folder / "a.parquet"


def parquet_of_few_small(folder: Path) -> Path:
    """Two million rows of two small images."""
    return _parquet(folder, {"image": repeated([npy(8), npy(8, 2.0)], 2_000_000)})


def parquet_of_few_large(folder: Path) -> Path:
    """Rows of one image that together take a hundred gigabytes."""
    return _parquet(folder, {"image": repeated([npy(500)], 100_000)})


def parquet_of_many_large(folder: Path) -> Path:
    """A dictionary of images that differ in a few bytes and take 20 megabytes."""
    images = [npy(256)[:-4] + number.to_bytes(4, "little") for number in range(80)]
    codes = pa.array(range(80), pa.int32())
    return _parquet(folder, {"image": pa.DictionaryArray.from_arrays(codes, pa.array(images))})


def parquet_of_structs(folder: Path) -> Path:
    """Encoded images as `datasets` has them."""
    codes = repeated([npy(500)], 500)
    return _parquet(folder, {"image": pa.StructArray.from_arrays([codes], ["bytes"])})


def parquet_of_lists(folder: Path) -> Path:
    """Lists of numbers that are all the same."""
    flat = pa.array(np.ones(64 * 120_000, np.float32))
    return _parquet(folder, {"image": pa.FixedSizeListArray.from_arrays(flat, 64)})


def parquet_of_long_classes(folder: Path) -> Path:
    """Classes whose names are a megabyte long."""
    classes = repeated(["a" * 10**6], 2000)
    return _parquet(folder, {"image": [npy(8)] * 2000, "label": classes})


def parquet_of_shared_beginnings(folder: Path) -> Path:
    """Images of which each is the one before and a few bytes more."""
    images = [npy(16) + number.to_bytes(4, "little") for number in range(60_000)]
    how = {"use_dictionary": False, "column_encoding": {"image": "DELTA_BYTE_ARRAY"}}
    return _parquet(folder, {"image": images}, **how)


def fits_with_a_tail(folder: Path) -> Path:
    """A compressed FITS whose image is followed by 20 megabytes of zeros."""
    image = io.BytesIO()
    fits.PrimaryHDU(np.eye(16)).writeto(image)
    with gzip.open(folder / "a.fits.gz", "wb", compresslevel=1) as file:
        file.write(image.getvalue())
        file.write(bytes(20 * 2**20))
    return folder / "a.fits.gz"


def fits_of_many_extensions(folder: Path) -> Path:
    """A compressed FITS of 150 images."""
    image = io.BytesIO()
    extension = io.BytesIO()
    fits.PrimaryHDU().writeto(image)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.eye(16))]).writeto(extension)
    one = extension.getvalue()[len(image.getvalue()) :]
    (folder / "a.fits.gz").write_bytes(gzip.compress(image.getvalue() + 150 * one))
    return folder / "a.fits.gz"


def npz_that_unpacks(folder: Path) -> Path:
    """Members that are small each and too large together."""
    images = np.zeros((2**10, 64, 64), np.uint8)
    np.savez_compressed(folder / "a.npz", **{f"images{i}": images for i in range(5)})
    return folder / "a.npz"


def hdf5_of_a_huge_chunk(folder: Path) -> Path:
    """One chunk that unpacks to 32 megabytes."""
    with h5py.File(folder / "a.h5", "w") as file:
        shape = (2**9, 128, 128)
        stored = file.create_dataset("data", shape, "f4", chunks=shape, compression="gzip")
        stored.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(2**16)))
    return folder / "a.h5"


def hdf5_of_many_images(folder: Path) -> Path:
    """Two million images in a few kilobytes."""
    with h5py.File(folder / "a.h5", "w") as file:
        stored = file.create_dataset(
            "data", (2_000_000, 8, 8), "u1", chunks=(100_000, 8, 8), compression="gzip"
        )
        packed = zlib.compress(bytes(6_400_000))
        for start in range(0, 2_000_000, 100_000):
            stored.id.write_direct_chunk((start, 0, 0), packed)
    return folder / "a.h5"


def hdf5_shown_many_times(folder: Path) -> Path:
    """A virtual dataset that shows one image three hundred times."""
    with h5py.File(folder / "a.h5", "w") as file:
        file["one"] = np.random.default_rng(0).normal(size=(1, 64, 64))
        layout = h5py.VirtualLayout((300, 64, 64), "f8")
        for row in range(300):
            layout[row] = h5py.VirtualSource(".", "one", (1, 64, 64))[0]
        file.create_virtual_dataset("images", layout)
    return folder / "a.h5"


def hdf5_shown_from_elsewhere(folder: Path) -> Path:
    """A virtual dataset that shows a file of the system."""
    with h5py.File(folder / "a.h5", "w") as file:
        layout = h5py.VirtualLayout((4, 64, 64), "f8")
        layout[:] = h5py.VirtualSource("/etc/passwd", "data", (4, 64, 64))
        file.create_virtual_dataset("images", layout)
    return folder / "a.h5"


def pipe(name: str) -> Maker:
    """A named pipe."""

    def make(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    make.__name__ = f"pipe_{name.replace('.', '_')}"
    return make


def pipe_for_a_table(folder: Path) -> Path:
    """Images beside which the table is a named pipe."""
    for index in range(2):
        (folder / f"{index}.npy").write_bytes(npy(16, index))
    os.mkfifo(folder / "labels.csv")
    return folder


def folders_in_folders(folder: Path) -> Path:
    """Twelve hundred folders in one another."""
    (folder / "a").mkdir()
    handle = os.open(folder / "a", os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    return folder / "a"


def empty_files(folder: Path) -> Path:
    """A thousand files of no bytes."""
    for index in range(1000):
        (folder / f"{index}.npy").touch()
    return folder


REFUSED: dict[Maker, str] = {
    parquet_of_few_small: "claims 2000000 images",
    parquet_of_few_large: "unpacks to",
    parquet_of_many_large: "unpacks to",
    parquet_of_structs: "unpacks to",
    parquet_of_lists: "claims 120000 images",
    parquet_of_long_classes: "unpacks to 2000000000 bytes",
    parquet_of_shared_beginnings: "shares the beginnings of values",
    fits_with_a_tail: "unpacks to",
    npz_that_unpacks: "unpacks to",
    hdf5_of_a_huge_chunk: "unpacks to",
    hdf5_of_many_images: "claims 2000000 images",
    hdf5_shown_many_times: "shows 4096 of other datasets",
    hdf5_shown_from_elsewhere: "in another file, '/etc/passwd'",
    pipe("a.npy"): "is a named pipe",
    pipe("a.fits"): "is a named pipe",
    pipe("a.h5"): "is a named pipe",
    pipe("a.parquet"): "is a named pipe",
    pipe_for_a_table: "is a named pipe",
    folders_in_folders: "holds nothing that is known as images",
    empty_files: "is empty",
}
"""Inputs that are refused, and a part of the line that says why."""
