"""The journal of a sweep: how each job ended, how it stands now, and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lensbench.errors import StoreError, UsageError, nearest
from lensbench.store.artefacts import Store

_SWEEPS = "sweeps"


class Journal:
    """The folder of one sweep in a store.

    Attributes:
        folder: With `study.toml`, `journal.jsonl` (a line a job), `state.json` and `logs`.
    """

    def __init__(self, store: Store, key: str) -> None:
        self.folder = store.root / _SWEEPS / key
        self._store = store

    def begin(self, study: str) -> None:
        """Notes what is to be computed, as text."""
        try:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            (self.folder / "study.toml").write_text(study)
        except OSError as error:
            raise StoreError(
                f"the sweep's journal cannot be written: {error}", "name another --store"
            ) from error

    def note(self, line: Mapping[str, Any]) -> None:
        """Adds a line, whole or not at all."""
        with (self.folder / "journal.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    def log(self, key: str, text: str) -> Path:
        """Keeps what a job printed."""
        path = self.folder / "logs" / f"{key}.log"
        path.write_text(text)
        return path

    def write_state(self, state: Mapping[str, Any]) -> None:
        """Replaces what is said of how the sweep stands."""
        self._store.replace_text(self.folder / "state.json", json.dumps(state, indent=1))

    def state(self) -> dict[str, Any]:
        """How the sweep stands, or stood when it was last heard of; empty where nothing is said."""
        try:
            state: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return state

    def lines(self) -> Iterator[dict[str, Any]]:
        """All lines; one that was cut off by a crash is left out."""
        try:
            text = (self.folder / "journal.jsonl").read_text()
        except OSError:
            return
        for line in text.splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue


def find_journal(store: Store, key: str = "") -> Journal:
    """The journal of a sweep, named by the beginning of its key; the latest where none is named.

    Raises:
        UsageError: Where there is none, or more than one.
    """
    folders = sorted((store.root / _SWEEPS).glob("*/"), key=lambda path: path.stat().st_mtime)
    found = [folder.name for folder in folders if folder.name.startswith(key)]
    if not found:
        known = [folder.name for folder in folders]
        raise UsageError(
            f"the store {str(store.root)!r} has no sweep {key!r}".replace(" ''", ""),
            nearest(key, known) if known else "lensbench sweep study.toml begins one",
        )
    if key and len(found) > 1:
        raise UsageError(f"{key!r} begins several sweeps", f"they are {', '.join(found)}")
    return Journal(store, found[-1])


def mean_costs(store: Store) -> dict[str, float]:
    """Mean seconds of jobs that are alike, over all sweeps of a store."""
    seconds: dict[str, list[float]] = {}
    for folder in (store.root / _SWEEPS).glob("*/"):
        for line in Journal(store, folder.name).lines():
            if line.get("state") == "done":
                total = seconds.setdefault(line["like"], [0.0, 0])
                total[0] += line["seconds"]
                total[1] += 1
    return {like: total / count for like, (total, count) in seconds.items()}
