"""Files that others made: what is refused before it is read, and what is counted while it is."""

from __future__ import annotations

import gzip
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from lensbench import DataError, files


@pytest.fixture
def special(tmp_path: Path) -> dict[str, Path]:
    """A named pipe, a socket and a device, by what they are."""
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    return {
        "a named pipe": tmp_path / "pipe",
        "a socket": tmp_path / "socket",
        "a device": Path("/dev/zero"),
    }


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
def test_special_files_are_refused_before_they_are_read(special, kind):
    """Reading them could last for ever."""
    for refuse in (files.check_file, files.open_file, files.read_document):
        if kind == "a socket" and refuse is not files.check_file:
            continue  # the kernel does not open it
        with pytest.raises(DataError, match=f"is {kind}, expected a regular file"):
            refuse(special[kind])


def test_regular_files_folders_and_absent_paths_pass(tmp_path):
    """What is wrong with the latter is said by whoever opens them."""
    (tmp_path / "a").write_bytes(b"abc")
    for path in (tmp_path, tmp_path / "a", tmp_path / "absent", "name\0of nothing"):
        files.check_file(path)
    assert files.read_document(tmp_path / "a") == b"abc"
    assert stat.S_ISREG((tmp_path / "a").stat().st_mode)


def test_a_document_has_a_largest_size(tmp_path):
    """A document of exactly that size is read."""
    (tmp_path / "a.json").write_bytes(bytes(8))
    assert len(files.read_document(tmp_path / "a.json", limit=8)) == 8
    with pytest.raises(DataError, match="larger than 7 bytes"):
        files.read_document(tmp_path / "a.json", limit=7)


@pytest.mark.parametrize("text", ["[" * 9 + "]" * 9, "a = " + "{a=" * 9, ".".join("a" * 10) + "=1"])
def test_nesting_is_limited(text):
    """Lists, tables and dotted keys are counted alike; many side by side are not nested."""
    files.check_nesting("a.toml", text, limit=9)
    with pytest.raises(DataError, match=r"'a\.toml' is nested more than 8 levels"):
        files.check_nesting("a.toml", text, limit=8)
    files.check_nesting("a.toml", "[[a]]\n" * 1000 + "b = [[1, 2], [3, 4]]\n" * 1000, limit=2)


def test_gzip_is_unpacked_up_to_a_limit(tmp_path, monkeypatch):
    """A tail of zeros is not unpacked beyond what the file's size allows."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"content" + bytes(2**22)))
    assert files.unzipped(path).read(7) == b"content"
    monkeypatch.setattr(files, "FREE_DECODED", 2**20)
    with pytest.raises(DataError, match=r"a\.gz' unpacks to"):
        files.unzipped(path)


@pytest.mark.parametrize(
    ("packed", "unpacked", "allowed"),
    [(1, 2**28, True), (1, 2**28 + 1, False), (2**27, 100 * 2**27, False), (2**26, 2**32, True)],
)
def test_expansion(packed, unpacked, allowed):
    """Any file may become 256 MiB, a large one a hundred times its size, none over 8 GiB."""
    if allowed:
        files.check_expansion("a", packed, unpacked)
    else:
        with pytest.raises(DataError, match="unpacks to"):
            files.check_expansion("a", packed, unpacked)


def nest(folder: Path, levels: int) -> None:
    """Makes folders in one another, of a path that may be longer than the system takes."""
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)


def test_files_below_a_folder(tmp_path):
    """Sorted by folder, without hidden ones and links to folders, so that no loop is entered."""
    for name in ("b/x", "a/y", "z", ".hidden/w", "a/.v"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    found = [str(path.relative_to(tmp_path)) for path in files.files_below(tmp_path)]
    assert found == ["z", "a/y", "b/x"]


def test_folders_nested_too_deeply_are_refused(tmp_path, request):
    """Thousands of levels end in one line and in no recursion."""
    (tmp_path / "a").mkdir()
    request.addfinalizer(lambda: subprocess.run(["rm", "-r", tmp_path / "a"], check=True))
    nest(tmp_path / "a", 3000)  # too deep for pytest to remove
    with pytest.raises(DataError, match="nested more than 32 levels deep"):
        list(files.files_below(tmp_path))


def test_long_work_is_reported(monkeypatch):
    """Nothing is said of short work; of long work, how much is done of how much."""
    said = []
    with files.reporting(lambda *step: said.append(step)):
        assert list(files.watched("abc", "letters", 3)) == ["a", "b", "c"]
        assert said == []
        monkeypatch.setattr(files, "PATIENCE", 0.0)
        list(files.watched("abc", "letters", 3))
    assert said == [("letters", 1, 3, "")]  # at most one a second
    list(files.watched("abc", "letters", 3))
    assert len(said) == 1
