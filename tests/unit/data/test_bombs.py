"""Inputs that ask for much end in one line, in seconds and in little memory, whatever the verb."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.calls import Result
from tests.unit.data.bombs import (
    FREE,
    REFUSED,
    Maker,
    fits_of_many_extensions,
    npy,
    parquet_of_few_small,
    parquet_of_lists,
    parquet_of_structs,
    repeated,
)

from lensbench import DataError, files
from lensbench.data.layouts import open_source, open_sources
from lensbench.inference.reading import blocks_of

SECONDS = 10.0
"""Of a processor that one verb may take."""

MEMORY = 2**29
"""Bytes more than there were that may be asked for."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Leaves the process little memory and little time; without time it is killed."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        resource.setrlimit(resource.RLIMIT_AS, limits)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed by the system, however deep it is."""
    yield tmp_path
    subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_asks_for_too_much_is_one_line(
    make: Maker, folder: Path, lensbench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`inspect`, `convert` and `preview` say the same of it and leave nothing behind."""
    monkeypatch.setattr(files, "FREE_DECODED", FREE)
    path = make(folder)
    before = len(list(folder.iterdir()))
    for words in (
        ("inspect", path),
        ("convert", path, folder / "o.h5"),
        ("preview", path, "--out", folder / "o.png"),
    ):
        with bounded():
            done = lensbench("data", *words, "--quiet")
        assert done.code == 2, done.err
        assert done.out == ""
        first, hint = done.err.strip().splitlines()
        assert first.startswith("error: ") and REFUSED[make] in first
        assert hint.startswith("hint: ")
    assert len(list(folder.iterdir())) == before


def test_many_extensions_are_converted_in_time(
    folder: Path, lensbench: Callable[..., Result]
) -> None:
    """Each of 150 images of one compressed file is written."""
    path = fits_of_many_extensions(folder)
    with bounded():
        done = lensbench("data", "convert", path, folder / "o.h5", "--quiet")
    assert done.code == 0, done.err
    assert len(open_source(folder / "o.h5").items) == 150


@pytest.mark.parametrize("make", [parquet_of_few_small, parquet_of_structs])
def test_a_copy_of_a_hub_is_refused_before_it_is_unpacked(
    make: Maker, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`datasets` would write all that it unpacks to the disk."""
    monkeypatch.setattr(files, "FREE_DECODED", FREE)
    make(folder)
    with bounded(), pytest.raises(DataError, match=REFUSED[make]):
        open_source(Path(f"hf:{folder}"))


def test_many_images_are_not_embedded_either(folder: Path) -> None:
    """Blocks of lists of numbers are read past the source, and held to the same."""
    path = parquet_of_lists(folder)
    with bounded(), pytest.raises(DataError, match=REFUSED[parquet_of_lists]):
        next(iter(blocks_of(path, "", 64)))


def test_repeated_images_within_reason_are_read(tmp_path: Path) -> None:
    """A dictionary of few images, each of many rows, gives every row its own."""
    images = [npy(8, value) for value in (1.0, 2.0, 3.0)]
    table = pa.table({"image": repeated(images, 300), "label": repeated(["a", "b"], 300)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=70)
    source = open_source(tmp_path / "a.parquet")
    assert [source.read(i).pixels[0, 0, 0] for i in range(300)] == [1.0, 2.0, 3.0] * 100
    assert [item.label for item in source.items] == ["a", "b"] * 150


def test_folders_that_are_too_deep_are_said_to_be_left_out(tmp_path: Path) -> None:
    """Images far below others are not read, and not passed over in silence."""
    for place in ("a/b/c/d", "a/b/c/d/e"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "x.npy").write_bytes(npy(16))
    (source,) = open_sources(tmp_path)
    assert source.left_out == ("e: a folder more than 4 levels below the one named",)
