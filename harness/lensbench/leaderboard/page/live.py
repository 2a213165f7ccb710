"""A page that follows what it shows: a sweep that runs, a board that is written anew."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.errors import UsageError
from lensbench.leaderboard.board.documents import Credit
from lensbench.leaderboard.page.assemble import pack
from lensbench.leaderboard.page.building import build, values_of
from lensbench.leaderboard.page.evidence import Evidence, kept_predictions, study_name
from lensbench.leaderboard.page.gallery_scenes import stored_scenes
from lensbench.store import Store
from lensbench.store.journal import Journal, find_journal
from lensbench.store.records import read_records, sort_records

State = dict[str, Any]


@dataclass(frozen=True)
class LiveSource:
    """Something that changes.

    Attributes:
        gather: Reads it as it is now.
        stamp: Differs when it has changed; cheap.
        state: How the sweep behind it stands; empty where there is none.
    """

    gather: Callable[[], Evidence]
    stamp: Callable[[], str]
    state: Callable[[], State] = dict


class Live:
    """The page, its values and the news, each made again when what is behind it has changed.

    Args:
        followed: What is shown.
        credited: Gives the plugins that records name.
    """

    def __init__(
        self, followed: LiveSource, credited: Callable[[Evidence], Sequence[Credit]]
    ) -> None:
        self._followed = followed
        self._credits = credited
        self._lock = threading.Lock()
        self._stamp: str | None = None
        self._evidence: Evidence | None = None
        self._made: dict[str, bytes] = {}

    def page(self) -> bytes:
        """The page as HTML."""
        return self._cached("page", lambda found: build(found, self._credits(found), live=True))

    def data(self) -> bytes:
        """The page's values, packed as they are in the page."""
        return self._cached("data", lambda found: pack(values_of(found, self._credits(found))))

    def news(self) -> bytes:
        """How things stand, as JSON: a digest that changes with the records, and the sweep."""
        count = self._cached("count", lambda found: str(found.records.height))
        state = self._followed.state()
        known = ("state", "jobs", "done", "failed", "waiting")
        told: State = {name: state[name] for name in known if name in state}
        told["running"] = [{"label": str(job.get("label", ""))} for job in state.get("running", ())]
        digest = hashlib.sha256((self._stamp or "").encode()).hexdigest()
        return json.dumps({"digest": digest, "records": int(count), **told}).encode()

    def _cached(self, name: str, make: Callable[[Evidence], str]) -> bytes:
        with self._lock:
            stamp = self._followed.stamp()
            if stamp != self._stamp or self._evidence is None:
                self._evidence = self._followed.gather()
                self._stamp = stamp
                self._made = {}
            if name not in self._made:
                self._made[name] = make(self._evidence).encode()
            return self._made[name]


def follow_files(gather: Callable[[], Evidence], folder: Path) -> LiveSource:
    """A board's folder or a file of records, read again when a file of it is another."""
    paths = [folder] if folder.is_file() else [folder / "records.parquet", folder / "manifest.json"]
    return LiveSource(gather, lambda: " ".join(map(_mark, paths)))


def follow_store(store: Store, gather: Callable[[], Evidence]) -> LiveSource:
    """The last run of a store, or the sweep that runs in it now.

    While a sweep runs its cells are shown as they end, with those that the store had before. Where
    there is no run yet, the page is empty.
    """

    def journal() -> Journal | None:
        try:
            return find_journal(store)
        except UsageError:
            return None

    def state() -> State:
        found = journal()
        return {} if found is None else heard_of(found)

    def evidence() -> Evidence:
        found = journal()
        if found is not None and heard_of(found).get("state") == "running":
            return _so_far(store, found)
        if not store.stored("runs"):
            return Evidence("Nothing yet", read_records([]), pl.DataFrame())
        return gather()

    def stamp() -> str:
        found = journal()
        lines = "" if found is None else _mark(found.folder / "journal.jsonl")
        return f"{lines} {sorted(store.stored('runs'))} {state().get('state')}"

    return LiveSource(evidence, stamp, state)


def heard_of(journal: Journal) -> State:
    """How a sweep stands; one that has been silent for long is `silent`."""
    state = journal.state()
    if state.get("state") == "running" and journal.silence():
        return state | {"state": "silent"}
    return state


def _so_far(store: Store, journal: Journal) -> Evidence:
    keys = journal.cells() & store.stored("records")
    paths = [path for key in sorted(keys) if (path := store.find("records", key)) is not None]
    records = sort_records(read_records(paths))
    study = (journal.folder / "study.toml").read_text(encoding="utf-8", errors="replace")
    name = study_name(study) or journal.folder.name[:12]
    return Evidence(
        name=f"{name}, so far",
        records=records,
        scores=pl.DataFrame(),
        scenes=stored_scenes(store.find),
        predictions=kept_predictions(store.find),
        study=study,
    )


def _mark(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "none"
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
