"""Files that would run, grow or lead elsewhere when they are read, each refused in one line."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from refusals import refused
from tests.forged_boards import change_members

from lensbench.leaderboard.board.writing import write_board


class Evil:
    """What a pickle would run."""

    def __reduce__(self):
        return (Path.touch, (Path("pwned"),))


@pytest.mark.parametrize(
    "kind",
    ["fits", "predictions", "records.parquet", "study.toml", "provenance.json", "manifest.json"],
)
def test_pickles(board, reseal, kind, tmp_path, monkeypatch):
    """A pickle in the place of any file is refused and never loaded."""
    monkeypatch.chdir(tmp_path)
    path = board.folder / kind
    if path.suffix:
        path.write_bytes(pickle.dumps(Evil()))
    else:
        change_members(board.folder, kind, lambda _: pickle.dumps(Evil()))
    if path.suffix and kind != "manifest.json":
        reseal(board.folder)
    refused(board.folder)
    assert not (tmp_path / "pwned").exists()


def test_parquet_bomb(board, tmp_path):
    """A small Parquet file that would become a large table is refused before it does."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**6, np.int32)), ["x" * 10**6])
    path = tmp_path / "bomb"
    bomb = pa.table({"predictions": text})
    parquet.write_table(bomb, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 10**6
    change_members(board.folder, "predictions/", lambda _: path.read_bytes())
    refused(board.folder, "text of 1000000 bytes")


@pytest.mark.parametrize("kind", ["lists", "codes", "beginnings"])
def test_bombs_of_many_short_values(board, tmp_path, kind):
    """Each value is allowed, and all of them together would fill the memory."""
    path = tmp_path / "bomb"
    if kind == "lists":
        zeros = pa.ListArray.from_arrays([0, 10**6], pa.array(np.zeros(10**6, np.float32)))
        table = pa.table({"values": pa.chunked_array([zeros] * 100)})
    else:
        codes = pa.array(np.zeros(10**5, np.int32))
        table = pa.table({"predictions": pa.DictionaryArray.from_arrays(codes, ["x" * 9000])})
    texts = {"use_dictionary": False, "column_encoding": {"predictions": "DELTA_BYTE_ARRAY"}}
    options = texts if kind == "beginnings" else {}
    parquet.write_table(table, path, compression="zstd", store_schema=False, **options)
    assert path.stat().st_size < 10**6
    change_members(board.folder, "predictions/", lambda _: path.read_bytes())
    refused(board.folder, "share their" if kind == "beginnings" else "unpacks to")


def test_rows_bomb(board, tmp_path):
    """A Parquet file of more rows than any board has is refused before they are read."""
    path = tmp_path / "bomb"
    zeros = pa.chunked_array([pa.nulls(3_000_000, pa.int32())] * 10)
    parquet.write_table(pa.table({"predictions": zeros}), path, compression="zstd")
    change_members(board.folder, "predictions/", lambda _: path.read_bytes())
    refused(board.folder, "rows")


@pytest.fixture
def image_board(make_contents, tmp_path):
    """A board whose predictions are images."""
    return write_board(make_contents("bicubic", images=True), tmp_path / "images")


def test_images(image_board):
    """Predictions of images are read from HDF5."""
    (key,) = image_board.provenance["predictions"]
    assert image_board.predictions(key)[1]["sky"].shape == (24, 1, 4, 4)


def _external(file, folder):
    (folder / "secret").write_bytes(b"x" * 96)
    file.create_dataset("sky", (24,), "f4", external=[(str(folder / "secret"), 0, 96)])


def _virtual(file, folder):
    layout = h5py.VirtualLayout((24,), "f4")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (24,))
    file.create_virtual_dataset("sky", layout)


@pytest.mark.parametrize(
    "fill",
    [
        lambda file, _: file.create_dataset(
            "sky", (10**9, 10**3), "f4", chunks=(1000, 1000), compression="gzip"
        ),
        lambda file, _: file.create_dataset("sky", (24,), "f4", data=np.ones(24), chunks=(8,)),
        lambda file, _: file.__setitem__("sky", h5py.ExternalLink("/etc/hostname", "x")),
        lambda file, _: file.__setitem__("sky", h5py.SoftLink("/scene")),
        lambda file, _: file.create_dataset("sky", data=["text"] * 24),
        _external,
        _virtual,
    ],
    ids=["bomb", "chunks", "external link", "soft link", "objects", "external file", "virtual"],
)
def test_hdf5(image_board, reseal, fill, tmp_path):
    """HDF5 that is compressed, linked or stored elsewhere is refused."""
    (path,) = (image_board.folder / "predictions").iterdir()
    with h5py.File(path, "w") as file:
        file["scene"] = np.array([f"0-test-{i}" for i in range(24)], "S")
        fill(file, tmp_path)
    reseal(image_board.folder)
    refused(image_board.folder)
