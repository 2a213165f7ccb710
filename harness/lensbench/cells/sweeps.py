"""Sweeps: all cells of a study, read from the store or computed, in one set of records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from lensbench.cells.planning import Plan, plan_jobs
from lensbench.cells.resolved import Keys, Parts
from lensbench.cells.rows import unscored_rows
from lensbench.cells.session import Watch
from lensbench.cells.worker import Settings, work
from lensbench.store import Store, key_of
from lensbench.store.records import RESULTS, read_records, records_frame, sort_records
from lensbench.study.cell import Cell
from lensbench.study.job import Job, Outcome

KINDS_PLANNED = ("images", "weights", "features")

Execute = Callable[[Sequence[Job]], Sequence[Outcome]]
"""Computes jobs, each after those that it needs, and says how each ended."""


@dataclass(frozen=True)
class Swept:
    """What a sweep came to.

    Attributes:
        key: Of the records in the store, kind `runs`.
        records: All of them, sorted, with their costs.
        failed: Errors by key of records.
    """

    key: str
    records: pl.DataFrame
    failed: Mapping[str, str]


def run_sweep(
    parts: Parts, store: Store, cells: Sequence[Cell], execute: Execute, retry_failed: bool = True
) -> Swept:
    """Computes what the store lacks of these cells and gathers their records.

    Args:
        parts: The plugins and the keys.
        store: Where artefacts are.
        cells: Checked already.
        execute: How jobs are computed.
        retry_failed: Whether cells that failed before are tried again.
    """
    keys = {cell: parts.keys(cell) for cell in cells}
    description = _describe(keys.values())
    finished = store.find("runs", key_of(description))
    if finished is not None:
        store.touch("runs", finished.stem)
        return Swept(finished.stem, read_records([finished]), {})
    failed = {} if retry_failed else _failed_before(store, keys.values())
    wanted = {cell: its for cell, its in keys.items() if its.records not in failed}
    frames = _read(store, wanted)
    missing = {cell: its for cell, its in wanted.items() if its.records not in frames}
    failed |= _compute(parts, store, missing, execute)
    frames |= _read(
        store, {cell: its for cell, its in missing.items() if its.records not in failed}
    )
    lost = [
        row
        for cell, its in keys.items()
        if its.records in failed
        for row in unscored_rows(parts, cell, "failed", failed[its.records])
    ]
    records = sort_records(pl.concat([*frames.values(), records_frame(lost)]))
    if failed:
        description = {**description, "failed": sorted(failed)}
    key = key_of(description)
    with store.writing("runs", key, ".parquet", description) as path:
        records.write_parquet(path)
    return Swept(key, records, failed)


def plan_sweep(parts: Parts, store: Store, cells: Mapping[Cell, Keys]) -> Plan:
    """The jobs of cells, but for what is stored."""
    return plan_jobs(parts, cells, {kind: store.stored(kind) for kind in KINDS_PLANNED})


def results(records: pl.DataFrame) -> pl.DataFrame:
    """Records without their costs: what a repetition gives again, bit for bit."""
    return records.select(list(RESULTS)).unique(maintain_order=True)


def _describe(keys: Iterable[Keys]) -> dict[str, Any]:
    found = sorted({its.records for its in keys})
    return {"kind": "runs", "inputs": {"records": found}}


def _read(store: Store, cells: Mapping[Cell, Keys]) -> dict[str, pl.DataFrame]:
    """Records that the store has, by key."""
    stored = store.stored("records")
    frames = {}
    for its in cells.values():
        path = store.find("records", its.records) if its.records in stored else None
        if path is not None:
            frames[its.records] = read_records([path])
    return frames


def _failed_before(store: Store, keys: Iterable[Keys]) -> dict[str, str]:
    stored = store.stored("failures")
    return {
        its.records: str((store.describe("failures", its.records) or {})["from"]["error"])
        for its in keys
        if its.records in stored
    }


def _compute(
    parts: Parts, store: Store, cells: Mapping[Cell, Keys], execute: Execute
) -> dict[str, str]:
    """Computes cells; gives the errors of those that failed."""
    if not cells:
        return {}
    plan = plan_sweep(parts, store, cells)
    failed = {}
    mine = {its.records for its in cells.values()}
    for outcome in execute(plan.jobs):
        if outcome.key not in mine:
            continue
        if outcome.state == "done":
            store.remove("failures", outcome.key)
            continue
        failed[outcome.key] = outcome.error
        described = {"kind": "failures", "error": outcome.error, "inputs": {}}
        with store.writing("failures", outcome.key, ".log", described) as path:
            path.write_text(outcome.log)
    return failed


def execute_here(settings: Settings, watch: Watch) -> Execute:
    """Computes jobs in this process, one after another."""

    def execute(jobs: Sequence[Job]) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        for job in jobs:
            lost = [outcomes[key] for key in job.needs if outcomes[key].state == "failed"]
            outcomes[job.key] = (
                Outcome(job.key, "failed", lost[0].error) if lost else work(settings, job, watch)
            )
        return list(outcomes.values())

    return execute
