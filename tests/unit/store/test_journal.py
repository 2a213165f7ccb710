"""What a sweep notes of itself, and what is read of it later."""

import os
import time

import pytest

from lensbench.errors import StoreError, UsageError
from lensbench.store import Store
from lensbench.store.journal import Journal, find_journal, mean_costs, sweeps_at_work


@pytest.fixture
def store(tmp_path) -> Store:
    """An empty one."""
    return Store(tmp_path / "store")


def line(like: str, seconds: float, state: str = "done") -> dict:
    return {"key": "k", "like": like, "state": state, "seconds": seconds}


def test_what_is_asked_for_is_kept(store):
    """The study as it is written, and the keys in their one order."""
    journal = Journal(store, "abc")
    assert (journal.cells(), journal.state(), list(journal.lines())) == (set(), {}, [])
    journal.begin('name = "x"\n', ["k2", "k1"])
    assert journal.folder == store.root / "sweeps" / "abc"
    assert (journal.folder / "study.toml").read_text() == 'name = "x"\n'
    assert (journal.folder / "cells.json").read_text() == '["k1", "k2"]'
    assert Journal(store, "abc").cells() == {"k1", "k2"}


def test_a_sweep_that_goes_on_adds_to_its_lines(store):
    """A second call keeps what the first noted; what a crash cut off is left out."""
    first = Journal(store, "abc")
    first.begin("", ["k"])
    first.note(line("a", 1.0))
    with (first.folder / "journal.jsonl").open("a") as file:
        file.write('{"key": "hal\n')
    second = Journal(store, "abc")
    second.begin("", ["k"])
    second.note(line("b", 2.0))
    assert list(Journal(store, "abc").lines()) == [line("a", 1.0), line("b", 2.0)]


def test_logs_and_state_are_those_of_the_last_word(store):
    """A log by the key of its job; a state in place of the one before."""
    journal = Journal(store, "abc")
    journal.begin("", [])
    path = journal.log("k1", "it broke\n")
    assert path == journal.folder / "logs" / "k1.log"
    assert path.read_text() == "it broke\n"
    journal.write_state({"state": "running", "done": 1})
    journal.write_state({"state": "finished"})
    assert Journal(store, "abc").state() == {"state": "finished"}


@pytest.mark.parametrize("text", ["{", "", "null", "[[]]"])
def test_what_is_damaged_says_nothing(store, text):
    """Neither of cells nor of how it stands; no traceback."""
    journal = Journal(store, "abc")
    journal.begin("", ["k"])
    (journal.folder / "cells.json").write_text(text)
    (journal.folder / "state.json").write_text("{")
    assert journal.cells() == set()
    assert journal.state() == {}


def test_a_folder_that_cannot_be_written_is_told(store):
    """In one line, with a way out."""
    store.root.mkdir(exist_ok=True)
    (store.root / "sweeps").write_text("a file in the way")
    with pytest.raises(StoreError) as caught:
        Journal(store, "abc").begin("", [])
    assert caught.value.message.startswith("the sweep's journal cannot be written: ")
    assert caught.value.hint == "name another --store"


def test_a_sweep_is_found_by_the_beginning_of_its_key_or_is_the_latest(store):
    """The latest is the one that was heard of last; one without a word is older than all."""
    with pytest.raises(UsageError) as caught:
        find_journal(store)
    assert caught.value.message == f"the store {store.address!r} has no sweep"
    assert caught.value.hint == "lensbench sweep study.toml begins one"
    for key, at in (("abc1", 5.0), ("abd2", 9.0), ("bcd3", 7.0), ("zzz4", None)):
        journal = Journal(store, key)
        journal.begin("", [])
        if at is not None:
            journal.write_state({"at": at})
    assert find_journal(store).folder.name == "abd2"
    assert find_journal(store, "abc").folder.name == "abc1"
    assert find_journal(store, "zzz4").folder.name == "zzz4"
    with pytest.raises(UsageError) as caught:
        find_journal(store, "ab")
    assert caught.value.message == "'ab' begins several sweeps"
    assert caught.value.hint == "they are abc1, abd2"
    with pytest.raises(UsageError) as caught:
        find_journal(store, "abx2")
    assert caught.value.message == f"the store {store.address!r} has no sweep 'abx2'"
    assert "abd2" in caught.value.hint


def test_costs_are_means_over_all_sweeps(store):
    """Of jobs that were done and are alike; a failure says nothing of how long one takes."""
    assert mean_costs(store) == {}
    failed = [line(like, 99.0, "failed") for like in "bc"]
    noted = {
        "one": [line("a", 1.0), line("a", 2.0), line("b", 5.0)],
        "two": [line("a", 6.0), *failed],
    }
    for key, lines in noted.items():
        journal = Journal(store, key)
        journal.begin("", [])
        for each in lines:
            journal.note(each)
    assert mean_costs(store) == {"a": 3.0, "b": 5.0}


@pytest.mark.parametrize("jump", [86400.0, -3600.0])
def test_a_sweep_at_work_is_no_silent_one_whatever_the_clock_says(store, jump):
    """A clock that jumped makes its last words old or yet to come; the kernel knows better."""
    journal = Journal(store, "abc")
    journal.begin("", ["k"])
    journal.write_state({"state": "running", "at": time.time() - jump})
    assert journal.silence() == pytest.approx(abs(jump), abs=5.0)
    with journal.at_work():
        assert Journal(store, "abc").silence() == 0.0
        assert sweeps_at_work(store) == ["abc"]
    assert sweeps_at_work(store) == []


def test_what_a_sweep_at_work_may_need_is_not_removed(store, lensbench):
    """However old it seems: one whose clock went forward by a day is not collected under it."""
    with store.writing("images", "k", ".txt", {"kind": "images"}) as path:
        path.write_text("pixels")
    yesterday = time.time() - 86400
    os.utime(store.root / "images" / "k.json", (yesterday, yesterday))
    journal = Journal(store, "abc")
    journal.begin("", ["k"])
    words = ("store", "gc", "--older-than", "1h", "--yes", "--store", store.root)
    with journal.at_work():
        done = lensbench(*words)
        assert done.code == 2
        assert done.err.startswith("error: sweep abc is at work in the store")
        assert store.find("images", "k") is not None
    assert lensbench(*words).code == 0
    assert store.find("images", "k") is None
