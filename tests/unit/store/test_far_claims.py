"""Claims as objects: one holder at a time, and none that is dead for ever."""

import hashlib
import threading
import time

import fsspec
import pytest

from lensbench.store import far_claims
from lensbench.store.far_claims import far_claimed


@pytest.fixture(params=["file", "memory"])
def place(request, tmp_path):
    """A file system and the path of a claim."""
    if request.param == "file":
        return fsspec.filesystem("file"), f"{tmp_path}/claim"
    fs = fsspec.filesystem("memory")
    fs.makedirs(f"/{tmp_path.name}", exist_ok=True)
    return fs, f"/{tmp_path.name}/claim"


@pytest.fixture
def hasty(monkeypatch):
    """Claims that are void after a fifth of a second."""
    monkeypatch.setattr(far_claims, "RENEWED", 0.03)
    monkeypatch.setattr(far_claims, "STALE", 0.2)
    monkeypatch.setattr(far_claims, "_ASKED", 0.005)


class Room:
    """Counts who is inside."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside, self.most, self.visits = 0, 0, 0

    def visit(self, fs, path) -> None:
        with far_claimed(fs, path):
            with self.lock:
                self.inside += 1
                self.visits += 1
                self.most = max(self.most, self.inside)
            time.sleep(0.02)
            with self.lock:
                self.inside -= 1


@pytest.mark.parametrize("dead", [b"", b"someone 1", b"\xff\x00"])
def test_of_many_one_takes_over_from_the_dead(place, hasty, dead):
    """A claim of nobody, whatever is in it, goes to one of those who wait, then to the next."""
    fs, path = place
    fs.pipe_file(path, dead)
    room = Room()
    threads = [threading.Thread(target=room.visit, args=place) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert (room.visits, room.most) == (8, 1)
    assert [name for name in fs.ls(path.rpartition("/")[0], detail=False) if "claim" in name] == []


def test_one_who_died_while_taking_over_blocks_nobody(place, hasty):
    """The claim on taking over goes to another in its turn."""
    fs, path = place
    fs.pipe_file(path, b"first 1")
    ticket = hashlib.sha256(b"first 1").hexdigest()[:16]
    fs.pipe_file(f"{path}.{ticket}", b"second 1")
    room = Room()
    room.visit(fs, path)
    assert room.visits == 1
    assert [name for name in fs.ls(path.rpartition("/")[0], detail=False) if "claim" in name] == []


def test_a_living_holder_keeps_its_claim(place, hasty, monkeypatch):
    """Renewed, it is not taken over, however long it is held."""
    monkeypatch.setattr(far_claims, "STALE", 1.5)  # on a busy machine, some renewals come late
    order = []

    def second():
        with far_claimed(*place):
            order.append("second")

    with far_claimed(*place):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(3)
        order.append("first")
    thread.join(600)
    assert order == ["first", "second"]


def test_a_holder_that_slept_too_long_takes_nothing_back(place, hasty):
    """It neither renews nor removes the claim of the one that took over."""
    fs, path = place
    with far_claimed(fs, path):
        fs.pipe_file(path, b"another 1")
        time.sleep(0.2)
        assert fs.cat_file(path) == b"another 1"
    assert fs.cat_file(path) == b"another 1"
