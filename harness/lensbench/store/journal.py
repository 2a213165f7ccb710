"""The journal of a sweep: how each job ended, how it stands now, and what went wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from lensbench.errors import StoreError, UsageError, nearest
from lensbench.store.artefacts import Store
from lensbench.store.claims import is_shown_alive, shown_alive

_SWEEPS = "sweeps"

_SILENT = 60.0
"""Seconds without a sign of life after which a sweep elsewhere is taken for dead."""


class Journal:
    """The folder of one sweep in a store.

    Attributes:
        folder: With `study.toml`, `cells.json` (keys of records), `journal.jsonl` (a line a job),
            `state.json`, `logs`, and a lock file `alive` that each process at the sweep holds.
    """

    def __init__(self, store: Store, key: str) -> None:
        self.folder = store.root / _SWEEPS / key
        self._store = store
        self._lines = self.folder / "journal.jsonl"
        self._alive = self.folder / "alive"
        self._noted = False

    def begin(self, study: str, cells: Iterable[str]) -> None:
        """Notes what is asked for, as text, and the keys of all its records, stored or not."""
        try:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            before = self._store.read_text(self._lines)
            if before is not None:
                self._lines.write_text(before)
            self._store.replace_text(self.folder / "study.toml", study)
            self._store.replace_text(self.folder / "cells.json", json.dumps(sorted(cells)))
        except OSError as error:
            raise StoreError(
                f"the sweep's journal cannot be written: {error}", "name another --store"
            ) from error

    def cells(self) -> set[str]:
        """Keys of the records that are asked for; none where nothing is said."""
        try:
            return set(json.loads(self._store.read_text(self.folder / "cells.json") or "[]"))
        except (ValueError, TypeError):
            return set()

    def note(self, line: Mapping[str, Any]) -> None:
        """Adds a line, whole or not at all."""
        with self._lines.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._noted = True

    def log(self, key: str, text: str) -> Path:
        """Keeps what a job printed."""
        path = self.folder / "logs" / f"{key}.log"
        path.write_text(text)
        self._store.share(path)
        return path

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replaces what is said of how the sweep stands."""
        if self._noted:
            self._store.share(self._lines)
            self._noted = False
        self._store.replace_text(self.folder / "state.json", json.dumps(state, indent=1))

    def state(self) -> dict[str, Any]:
        """How the sweep stands, or stood when it was last heard of; empty where nothing is said."""
        try:
            text = self._store.read_text(self.folder / "state.json")
            state: dict[str, Any] = json.loads(text or "{}")
        except ValueError:
            return {}
        return state

    def at_work(self) -> AbstractContextManager[None]:
        """Shows that the sweep is at work, until the block ends or the process dies."""
        return shown_alive(self._alive)

    def silence(self) -> float:
        """Seconds without a sign of life of a sweep that said it runs; zero where it lives.

        Of a process on this machine the kernel knows whether it lives. Of one elsewhere only the
        time of its last words is known, by a clock that may be wrong in either direction.
        """
        if is_shown_alive(self._alive):
            return 0.0
        since = abs(time.time() - float(self.state().get("at", 0.0)))
        return since if since > _SILENT else 0.0

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines; one that was cut off by a crash is left out."""
        for line in (self._store.read_text(self._lines) or "").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def find_journal(store: Store, key: str = "") -> Journal:
    """The journal of a sweep, named by the beginning of its key; the latest where none is named.

    Raises:
        UsageError: Where there is none, or more than one.
    """
    known = store.folders(store.root / _SWEEPS)
    found = [name for name in known if name.startswith(key)]
    if not found:
        raise UsageError(
            f"the store {store.address!r} has no sweep {key!r}".replace(" ''", ""),
            nearest(key, known) if known else "lensbench sweep study.toml begins one",
        )
    if key and len(found) > 1:
        raise UsageError(f"{key!r} begins several sweeps", f"they are {', '.join(found)}")
    journals = [Journal(store, name) for name in found]
    return max(journals, key=lambda one: one.state().get("at", 0.0))


def sweeps_at_work(store: Store) -> list[str]:
    """Keys of the sweeps of a store that processes of this machine are at."""
    names = store.folders(store.root / _SWEEPS)
    return [name for name in names if is_shown_alive(store.root / _SWEEPS / name / "alive")]


def mean_costs(store: Store) -> dict[str, float]:
    """Mean seconds of jobs that are alike, over all sweeps of a store."""
    seconds: dict[str, list[float]] = {}
    for name in store.folders(store.root / _SWEEPS):
        for line in Journal(store, name).lines():
            if line.get("state") == "done":
                total = seconds.setdefault(line["like"], [0.0, 0])
                total[0] += line["seconds"]
                total[1] += 1
    return {like: total / count for like, (total, count) in seconds.items()}
