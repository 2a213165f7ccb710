"""What is served while a sweep runs, and after."""

from __future__ import annotations

import json
import time

import pytest
from tests.board_records import study_records

from lensbench.leaderboard.page import gather
from lensbench.leaderboard.page.live import Live, follow_files, follow_store
from lensbench.store import Store
from lensbench.store.journal import Journal


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def keep(store: Store, kind: str, key: str, records) -> None:
    with store.writing(kind, key, ".parquet", {"kind": kind, "inputs": {"records": []}}) as path:
        records.write_parquet(path)


def running(store: Store, at: float) -> Journal:
    journal = Journal(store, "5eed")
    journal.begin('name = "watched"\n', ["c1", "c2", "early"])
    journal.write_state(
        {"state": "running", "at": at, "jobs": 2, "done": 1, "failed": 0, "running": []}
    )
    return journal


def followed(store: Store) -> Live:
    return Live(follow_store(store, lambda: gather("", lambda: store)), lambda evidence: ())


def test_cells_appear_as_they_end(store):
    """While a sweep runs its finished cells are shown, each from when it has ended."""
    parts = study_records(entrants=2, tasks=1, conditions=2).partition_by("cell")
    journal = running(store, time.time())
    live = followed(store)
    assert json.loads(live.news())["records"] == 0
    for number, part in enumerate(parts[:2], 1):
        keep(store, "records", f"c{number}", part)
        journal.note({"key": f"c{number}", "state": "done", "label": "x"})
        assert json.loads(live.news())["records"] == sum(map(len, parts[:number]))
    assert b"watched, so far" in live.page()


def test_cells_of_other_sweeps_are_there_from_the_start(store):
    """What was stored before and is asked for again is shown; what is not asked for is not."""
    early, strange = study_records(entrants=2, tasks=1, conditions=2).partition_by("cell")[:2]
    keep(store, "records", "early", early)
    keep(store, "records", "strange", strange)
    running(store, time.time())
    assert json.loads(followed(store).news())["records"] == early.height


def test_an_empty_board_is_a_page(store):
    """Before the first cell has ended there is a page already."""
    running(store, time.time())
    assert followed(store).page().startswith(b"<!doctype html>")


def test_a_store_without_a_run_is_waited_for(store):
    """Serving can begin before anything is computed; the first run appears by itself."""
    live = followed(store)
    before = json.loads(live.news())
    assert before["records"] == 0 and b"Nothing yet" in live.page()
    keep(store, "runs", "abcd", study_records(entrants=1, tasks=1, conditions=2))
    after = json.loads(live.news())
    assert after["records"] == 4 and after["digest"] != before["digest"]


def test_a_silent_sweep_gives_way_to_the_last_run(store):
    """A sweep without a sign of life is told as silent, and the last run is shown."""
    keep(store, "runs", "abcd", study_records(entrants=1, tasks=1, conditions=2))
    running(store, time.time() - 3600)
    news = json.loads(followed(store).news())
    assert news["state"] == "silent" and news["records"] == 4


def test_a_file_is_read_again_when_it_is_another(tmp_path):
    """The digest changes when the records' file is written anew, and the page with it."""
    path = tmp_path / "records.parquet"
    study_records(entrants=1, tasks=1).write_parquet(path)
    store = Store(tmp_path / "store")
    live = Live(follow_files(lambda: gather(str(path), lambda: store), path), lambda evidence: ())
    first = json.loads(live.news())
    study_records(entrants=2, tasks=1).write_parquet(path)
    second = json.loads(live.news())
    assert first["digest"] != second["digest"] and second["records"] == 2 * first["records"]
