"""Sweeps: all cells of a study, read from the store or computed, in one set of records."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from lensbench.cells.resolved import ResolvedCell, Resolver
from lensbench.cells.rows import unscored_rows
from lensbench.errors import room_in
from lensbench.execution.driver import Events, drive
from lensbench.execution.executors import Executor, Message
from lensbench.execution.planning import Plan, plan_jobs
from lensbench.store import Store, key_of
from lensbench.store.journal import Journal, mean_costs
from lensbench.store.records import RESULTS, read_records, records_frame, sort_records
from lensbench.study.cell import Cell
from lensbench.study.expand import IncompatibleCells
from lensbench.study.job import Job, Outcome

KINDS_PLANNED = ("images", "skies", "weights", "features")
_STATE_EVERY = 1.0
"""Seconds between two writings of how a sweep stands."""


@dataclass(frozen=True)
class SweepResult:
    """The records of a sweep.

    Attributes:
        key: Of the records in the store, kind `runs`.
        records: All of them, sorted, with their costs.
        failed: Errors by key of records.
    """

    key: str
    records: pl.DataFrame
    failed: Mapping[str, str]


class Sweep:
    """Cells, computed in one store.

    Args:
        resolver: Finds plugins and keys.
        store: Where artefacts are.
        cells: Checked already.
        study: The study file, as text, for the journal.
        incompatible: Cells that cannot be computed, which stand in the records with the reason.
    """

    def __init__(
        self,
        resolver: Resolver,
        store: Store,
        cells: Sequence[Cell],
        study: str = "",
        incompatible: Sequence[IncompatibleCells] = (),
    ) -> None:
        self.resolver = resolver
        self.store = store
        self.cells = [resolver.resolve(cell) for cell in cells]
        self.study = study
        self.incompatible = incompatible
        records = sorted({cell.records for cell in self.cells})
        self.description: dict[str, Any] = {"kind": "runs", "inputs": {"records": records}}
        if incompatible:
            self.description["incompatible"] = [[one.cell, one.reason] for one in incompatible]
        self.key = key_of(self.description)

    def finished(self) -> SweepResult | None:
        """The records, where all cells are done already and their scores whole."""
        path = self.store.find("runs", self.key)
        scored = (self.store.intact("scores", cell.records) for cell in self.cells)
        if path is None or not all(scored):
            return None
        self.store.touch("runs", self.key)
        return SweepResult(self.key, read_records([path]), {})

    def run(
        self,
        executor: Callable[[], Executor],
        events: Events,
        retry_failed: bool = False,
    ) -> SweepResult:
        """Computes what the store lacks and gathers the records.

        Args:
            executor: Makes what computes; not called where there is nothing to compute.
            events: Told how it goes.
            retry_failed: Whether cells that failed before are tried again.

        Raises:
            NoRoomError: Where a disk is full; what was finished is kept.
        """
        with room_in(self.store.address):
            return self._run(executor, events, retry_failed)

    def _run(
        self, executor: Callable[[], Executor], events: Events, retry_failed: bool
    ) -> SweepResult:
        failed = {} if retry_failed else self._failed_before()
        wanted = [cell for cell in self.cells if cell.records not in failed]
        found = self._find(wanted)
        missing = [cell for cell in wanted if cell.records not in found]
        if missing:
            failed |= self._compute(missing, executor, events)
            found |= self._find([cell for cell in missing if cell.records not in failed])
        lost = [
            row
            for one in self.incompatible
            for row in unscored_rows(self.resolver.resolve(one.cell), "incompatible", one.reason)
        ]
        lost += [
            row
            for cell in self.cells
            if cell.records in failed
            for row in unscored_rows(cell, "failed", failed[cell.records])
        ]
        records = sort_records(pl.concat([read_records(found.values()), records_frame(lost)]))
        description = self.description | ({"failed": sorted(failed)} if failed else {})
        key = key_of(description)
        with self.store.writing("runs", key, ".parquet", description) as path:
            records.write_parquet(path)
        return SweepResult(key, records, failed)

    def plan(self, cells: Sequence[ResolvedCell] | None = None) -> Plan:
        """The jobs of cells, of all where none are given, without what is stored."""
        kinds = (*KINDS_PLANNED, "records", "scores")
        stored = {kind: self.store.stored(kind) for kind in kinds}
        if cells is None:
            done = stored["records"] & stored["scores"]
            cells = [cell for cell in self.cells if cell.records not in done]
        return plan_jobs(cells, stored)

    def _find(self, cells: Sequence[ResolvedCell]) -> dict[str, Path]:
        """Files of the records that the store has, with the scores beside them, by key."""
        stored = self.store.stored("records") & self.store.stored("scores")
        found = {}
        for key in (cell.records for cell in cells if cell.records in stored):
            path, scores = (self.store.find(kind, key) for kind in ("records", "scores"))
            if path is not None and scores is not None:
                found[key] = path
        return found

    def _failed_before(self) -> dict[str, str]:
        keys = {cell.records for cell in self.cells} & self.store.stored("failures")
        described = {key: self.store.describe("failures", key) for key in keys}
        return {key: str(said["from"]["error"]) for key, said in described.items() if said}

    def _compute(
        self, cells: Sequence[ResolvedCell], executor: Callable[[], Executor], events: Events
    ) -> dict[str, str]:
        """Computes cells; gives the errors of those that failed."""
        plan = self.plan(cells)
        self.resolver.code.keep(self.store)
        costs = mean_costs(self.store)
        mine = {cell.records for cell in cells}
        recorder = _Recorder(self.store, Journal(self.store, self.key), events, mine)
        recorder.journal.begin(self.study, (cell.records for cell in self.cells))
        made = executor()
        at_once = True
        try:
            with recorder.journal.at_work():
                outcomes = drive(plan.jobs, made, recorder, costs)
            at_once = False
        finally:
            made.close(at_once)
            self.store.tidy()
            with contextlib.suppress(OSError):  # where the disk is full, it is so already
                recorder.close(finished=not at_once)
        return {one.key: one.error for one in outcomes if one.key in mine and one.state != "done"}


def results(records: pl.DataFrame) -> pl.DataFrame:
    """Records without their costs: what a repetition gives again, bit for bit."""
    return records.select(list(RESULTS))


class _Recorder:
    """Writes the journal, keeps failures, and passes everything on."""

    def __init__(self, store: Store, journal: Journal, events: Events, cells: set[str]) -> None:
        self.store, self.journal, self.events, self.cells = store, journal, events, cells
        self.total = 0
        self.began = time.time()
        self.count = {"done": 0, "failed": 0}
        self.running: dict[str, dict[str, Any]] = {}
        self._written = -_STATE_EVERY

    def planned(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        self.total = len(jobs)
        self.events.planned(jobs, costs)

    def begun(self, job: Job) -> None:
        self.running[job.key] = {"label": job.label, "since": time.time()}
        self._write_state()
        self.events.begun(job)

    def told(self, message: Message) -> None:
        if message.key in self.running:
            self.running[message.key] |= message._asdict()
        self._write_state()
        self.events.told(message)

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.running.pop(job.key, None)
        self.count[outcome.state] += 1
        line = {
            "key": job.key,
            "label": job.label,
            "like": job.like,
            "state": outcome.state,
            "error": outcome.error,
            "seconds": outcome.seconds,
            "at": time.time(),
        }
        self.journal.note(line)
        if outcome.log:
            self.journal.log(job.key, outcome.log)
        if job.key in self.cells:
            self._keep_failure(job.key, outcome)
        self._write_state()
        self.events.ended(job, outcome)

    def close(self, finished: bool) -> None:
        """Writes that the sweep has ended."""
        self.running.clear()
        self._write_state("finished" if finished else "stopped")

    def _keep_failure(self, key: str, outcome: Outcome) -> None:
        if outcome.state == "done":
            self.store.remove("failures", key)
            return
        described = {"kind": "failures", "error": outcome.error, "inputs": {}}
        with self.store.writing("failures", key, ".log", described) as path:
            path.write_text(outcome.log or outcome.error)

    def _write_state(self, state: str = "running") -> None:
        now = time.monotonic()
        if state == "running" and now - self._written < _STATE_EVERY:
            return
        self._written = now
        self.journal.write_state(
            {
                "state": state,
                "began": self.began,
                "at": time.time(),
                "jobs": self.total,
                **self.count,
                "waiting": self.total - sum(self.count.values()) - len(self.running),
                "running": list(self.running.values()),
            }
        )
