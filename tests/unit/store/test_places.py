"""Places where a store cannot be: one line each, exit 2."""

import json
import subprocess
from pathlib import Path

import pytest

from lensbench.errors import NoRoomError
from lensbench.store import open_store
from lensbench.store.artefacts import FORMAT


@pytest.fixture
def small(tmp_path):
    """A file system of 128 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    call = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if subprocess.run(call, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_leaves_nothing(small):
    """The error names the store and what to do; no file of it stays, and others are whole."""
    store = open_store(small / "store")
    with store.writing("images", "a", ".h5", {}) as path:
        path.write_bytes(bytes(1000))
    with (
        pytest.raises(NoRoomError, match="No space left") as caught,
        store.writing("images", "b", ".h5", {}) as path,
    ):
        path.write_bytes(bytes(1 << 20))
    assert f"there is no room left in {str(small / 'store')!r}" in caught.value.message
    assert "free some space" in caught.value.hint
    assert caught.value.exit_code == 1
    assert store.find("images", "a") is not None
    assert [one.name for one in (small / "store").rglob("b*")] == []
    assert list((small / "store" / "writing").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(small, lensbench):
    """A file system mounted for reading: the verb ends with one line."""
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    ended = lensbench("store", "ls", "--store", small / "store")
    assert ended.code == 2
    error, hint = ended.err.splitlines()
    assert "Read-only file system" in error
    assert "--store" in hint


@pytest.mark.parametrize("verb", ["ls", "verify", "gc"])
def test_a_path_below_a_file_is_told(tmp_path, lensbench, verb):
    """It can be no folder."""
    (tmp_path / "file").touch()
    ended = lensbench("store", verb, "--store", tmp_path / "file" / "store")
    assert (ended.code, len(ended.err.splitlines())) == (2, 2)
    error, hint = ended.err.splitlines()
    assert f"the store '{tmp_path / 'file' / 'store'}' cannot be used: " in error
    assert "Not a directory" in error
    assert hint == "hint: name a folder that you can write with --store or LENSBENCH_STORE"


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_store_of_a_newer_lensbench_is_told(tmp_path: Path, lensbench, scheme):
    """With both versions and what to do."""
    (tmp_path / "store.json").write_text(json.dumps({"format": 99}))
    ended = lensbench("store", "ls", "--store", f"{scheme}{tmp_path}")
    assert (ended.code, len(ended.err.splitlines())) == (2, 2)
    error, hint = ended.err.splitlines()
    told = f"the store '{scheme}{tmp_path}' has format 99, this lensbench knows {FORMAT}"
    assert error.endswith(told)
    assert hint.startswith("hint: update lensbench")


def test_a_folder_and_its_url_are_not_one_store(tmp_path, lensbench):
    """Locks and objects do not see one another: the other way in is refused and spoils none."""
    folder, far = tmp_path / "folder", tmp_path / "far"
    open_store(folder)
    open_store(f"file://{far}")
    claim = far / "claims" / "records-k"
    claim.write_text("somebody's")
    for where, hint in ((f"file://{folder}", str(folder)), (far, f"file://{far}")):
        ended = lensbench("store", "ls", "--store", where)
        assert (ended.code, len(ended.err.splitlines())) == (2, 2)
        assert f"the store '{where}' was begun" in ended.err
        assert hint in ended.err.splitlines()[1]
    assert claim.read_text() == "somebody's"
