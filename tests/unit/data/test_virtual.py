"""HDF5 virtual datasets: read where they show the file's own data, refused where they do not."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lensbench import DataError
from lensbench.data.layouts import open_source

IMAGES = np.random.default_rng(0).normal(size=(12, 16, 16)).astype(np.float32)


def write(path: Path, sources: list[h5py.VirtualSource], rows: int = 12) -> Path:
    """A file of three parts and of a virtual dataset whose rows are, in turn, these sources."""
    with h5py.File(path, "w") as file:
        for number in range(3):
            file[f"part{number}"] = IMAGES[4 * number : 4 * number + 4]
        file["labels"] = np.arange(rows) % 3
        layout = h5py.VirtualLayout((rows, 16, 16), "f4")
        for number, source in enumerate(sources):
            layout[4 * number : 4 * number + 4] = source
        file.create_virtual_dataset("images", layout)
    return path


def part(file: str, name: str) -> h5py.VirtualSource:
    """Four images of a file."""
    return h5py.VirtualSource(file, name, (4, 16, 16))


PARTS = [part(".", f"part{number}") for number in range(3)]


def test_parts_of_the_same_file_are_read(tmp_path):
    """Images through the virtual dataset are those of its parts, with the classes beside it."""
    source = open_source(write(tmp_path / "a.h5", PARTS))
    assert len(source.items) == 12
    assert [item.label for item in source.items] == ["0", "1", "2"] * 4
    for index, pixels in enumerate(IMAGES):
        np.testing.assert_array_equal(source.read(index).pixels[0], pixels)


@pytest.mark.parametrize(
    ("sources", "rows", "reason"),
    [
        ([part("b.h5", "part0")], 4, r"keeps 'images' in another file, 'b\.h5'"),
        ([*PARTS[:2], part("/etc/hostname", "x")], 12, "in another file, '/etc/hostname'"),
        (PARTS[:2], 12, "claims 3072 values in 'images', which shows 2048"),
        (PARTS[:1] * 3, 12, "claims 3072 values in 'images', which shows 1024"),
        ([part(".", "images")], 4, "shows in 'images' what is no plain dataset: 'images'"),
        ([part(".", "nothing")], 4, "shows in 'images' what is no plain dataset: 'nothing'"),
        ([part(".", "link")], 4, "keeps 'link' in another file, 'b.h5'"),
    ],
    ids=["file", "system", "gap", "repeated", "itself", "absent", "linked"],
)
def test_others_are_refused_with_the_reason(tmp_path, sources, rows, reason):
    """Other files, itself, nothing, the same part many times: each its own line."""
    path = write(tmp_path / "a.h5", sources, rows)
    write(tmp_path / "b.h5", PARTS)
    if sources[0].name == "link":
        with h5py.File(path, "a") as file:
            file["link"] = h5py.ExternalLink("b.h5", "part0")
    with pytest.raises(DataError, match=reason) as caught:
        open_source(path)
    assert "\n" not in caught.value.message
