"""Artefacts are whole or absent."""

import json
import os

import pytest

from lensbench.errors import StoreError
from lensbench.store import Store, artefacts
from lensbench.store.artefacts import _sha256


def put(store: Store, key: str = "k", text: str = "hello") -> None:
    with store.writing("things", key, ".txt", {"made": "here"}) as path:
        path.write_text(text)


def test_what_was_written_is_found(tmp_path):
    """An artefact has its bytes and what it was made from."""
    store = Store(tmp_path / "s")
    assert store.find("things", "k") is None
    put(store)
    assert store.find("things", "k").read_text() == "hello"
    assert store.describe("things", "k")["from"] == {"made": "here"}
    assert store.keys("things") == ["k"]


def test_a_write_that_raises_leaves_nothing(tmp_path):
    """A crash is never taken for a result, and no temporary file stays."""
    store = Store(tmp_path)
    with pytest.raises(ZeroDivisionError), store.writing("things", "k", ".txt", {}) as path:
        path.write_text("half")
        raise ZeroDivisionError
    assert store.find("things", "k") is None
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["store.json"]


def test_a_flipped_byte_is_noticed(tmp_path):
    """Damage is told and the artefact counts as absent."""
    store = Store(tmp_path)
    put(store)
    (tmp_path / "things" / "k.txt").write_text("hellp")
    with pytest.warns(UserWarning, match="damaged"):
        assert store.find("things", "k") is None
    put(store)
    assert store.find("things", "k") is not None


def test_a_file_that_stays_is_read_once(tmp_path, monkeypatch):
    """Its digest is looked at the first time, and again where it was touched."""
    put(Store(tmp_path))
    store = Store(tmp_path)
    read = []

    def digest(path):
        read.append(path.name)
        return _sha256(path)

    monkeypatch.setattr(artefacts, "_sha256", digest)
    assert store.intact("things", "k") and store.find("things", "k")
    assert read == ["k.txt"]
    os.utime(tmp_path / "things" / "k.txt", (1e9, 1e9))
    assert store.intact("things", "k")
    assert read == ["k.txt", "k.txt"]


def test_an_artefact_has_a_size_and_an_age(tmp_path):
    """Bytes of its file, none where that is missing, and when its description was touched."""
    store = Store(tmp_path)
    put(store, text="hello, world")
    put(store, "other", "hi")
    sidecar = tmp_path / "things" / "k.json"
    os.utime(sidecar, (1e9, 1e9 + 5))
    assert store.measure("things", "k") == (12, 1e9 + 5)
    assert store.measure("things", "other")[0] == 2
    (tmp_path / "things" / "k.txt").unlink()
    assert store.measure("things", "k") == (0, 1e9 + 5)


def test_what_is_removed_leaves_its_neighbours(tmp_path):
    """File and description go, and nothing else, whatever it is called."""
    store = Store(tmp_path)
    put(store)
    (tmp_path / "things" / "k.note").write_text("not of the store")
    put(store, "k.2")
    store.remove("things", "k")
    store.remove("things", "k")  # it is gone: nothing happens
    put(store, "lost")
    (tmp_path / "things" / "lost.txt").unlink()
    store.remove("things", "lost")  # as is its file
    assert store.find("things", "k") is None
    assert store.find("things", "k.2").read_text() == "hello"
    left = {path.name for path in (tmp_path / "things").iterdir()}
    assert left == {"k.note", "k.2.json", "k.2.txt"}


def test_what_is_removed_may_be_damaged(tmp_path):
    """A description that makes no sense names no file: all that bear the key go."""
    store = Store(tmp_path)
    put(store)
    put(store, "other")
    (tmp_path / "things" / "k.json").write_text("{")
    store.remove("things", "k")
    assert {path.name for path in (tmp_path / "things").iterdir()} == {"other.json", "other.txt"}


def test_keys_come_by_age(tmp_path):
    """The oldest first, whatever their names."""
    store = Store(tmp_path)
    for key, when in (("b", 2e9), ("c", 1e9), ("a", 3e9)):
        put(store, key)
        os.utime(tmp_path / "things" / f"{key}.json", (when, when))
    assert store.keys("things") == ["c", "b", "a"]


def test_what_an_artefact_cost_is_told_where_it_is_known(tmp_path):
    """What was noted, and nothing for what is absent or was never measured."""
    store = Store(tmp_path)
    put(store)
    with store.writing("things", "dear", ".txt", {}, {"seconds": 2.5}) as path:
        path.write_text("gold")
    assert store.cost("things", "dear") == {"seconds": 2.5}
    assert store.cost("things", "k") == {}
    assert store.cost("things", "absent") == {}


def test_a_newer_store_is_refused(tmp_path):
    """A layout that this version does not know is not guessed at."""
    Store(tmp_path)
    (tmp_path / "store.json").write_text(json.dumps({"format": 99}))
    with pytest.raises(StoreError, match="99"):
        Store(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "<html>"])
def test_a_marker_that_makes_no_sense_is_refused(tmp_path, content):
    """A folder that is something else is not taken for a store."""
    (tmp_path / "store.json").write_text(content)
    with pytest.raises(StoreError):
        Store(tmp_path)


def test_a_store_below_a_file_is_refused(tmp_path):
    """A folder that cannot be made is told in one line with a hint."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        Store(tmp_path / "file" / "store")
    assert "--store" in caught.value.hint


def test_what_the_dead_left_behind_is_tidied_away(tmp_path):
    """Locks that nobody holds; one that is held stays."""
    store = Store(tmp_path)
    with store.claim("images", "k"):
        [held] = (tmp_path / "claims").iterdir()
        (held.parent / "records-dead").touch()
        store.tidy()
        assert list(held.parent.iterdir()) == [held]


def test_a_store_that_was_moved_is_the_same_store(tmp_path):
    """Under another name, with blanks and umlauts, its artefacts are found, and more are made."""
    with Store(tmp_path / "one").writing("things", "a", ".txt", {"from": "here"}) as path:
        path.write_text("gold")
    moved = tmp_path / "ein anderer Ort für Daten"
    (tmp_path / "one").rename(moved)
    store = Store(moved)
    assert store.find("things", "a").read_text() == "gold"
    with store.writing("things", "b", ".txt", {"from": "there"}) as path:
        path.write_text("silver")
    assert store.stored("things") == {"a", "b"}
    assert not (tmp_path / "one").exists()
