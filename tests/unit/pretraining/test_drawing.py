"""Chunks as files: whole under their names, and checked before they are trained on."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from lensbench.pretraining.drawing import AwaitedChunks, Chunks, is_whole, path_of, write_chunk
from lensbench.store.arrays import map_arrays


class Numbers:
    """A source whose chunks hold their number."""

    def __init__(self):
        self.made = []

    def chunk(self, number):
        self.made.append(number)
        return {"scene": np.full((4, 3), number, np.float32)}


@pytest.fixture
def chunk(tmp_path: Path) -> Path:
    """The file of chunk 7."""
    write_chunk(Numbers(), 7, path_of(tmp_path, 7))
    return path_of(tmp_path, 7)


def test_a_chunk_holds_what_was_made(chunk):
    """Under its name alone, and as HDF5 for anybody."""
    assert is_whole(chunk) and map_arrays(chunk)["scene"].tolist() == [[7.0] * 3] * 4
    assert [path.name for path in chunk.parent.iterdir()] == [chunk.name]
    with h5py.File(chunk) as file:
        assert file["scene"].shape == (4, 3)


def damage_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def damage_byte(path):
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(content)


def damage_all(path):
    path.write_bytes(b"")


def damage_arrays(path):
    with h5py.File(path, "w"):
        pass


@pytest.mark.parametrize("damage", [damage_half, damage_byte, damage_all, damage_arrays])
def test_a_damaged_chunk_is_made_again(chunk, damage):
    """By whoever left it half written, it is not trained on."""
    damage(chunk)
    assert not is_whole(chunk)
    source = Numbers()
    assert Chunks(source, chunk.parent).fetch(7) == chunk
    assert source.made == [7] and is_whole(chunk)
    assert AwaitedChunks(chunk.parent).fetch(7) == chunk


def test_a_whole_chunk_is_kept(chunk):
    """A training that goes on makes nothing twice."""
    source = Numbers()
    assert Chunks(source, chunk.parent).fetch(7) == chunk
    assert source.made == []
