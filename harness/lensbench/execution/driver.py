"""Drives jobs through an executor: each after those that it needs, none lost."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from graphlib import TopologicalSorter
from typing import Protocol

from lensbench.errors import NoRoomError
from lensbench.execution.executors import Executor, Message
from lensbench.study.job import Job, Outcome

_POLL = 0.25
"""Seconds between two readings of messages while no job ends."""


_UNKNOWN = 1.0
"""Estimated seconds of a job where none of its sort was measured."""


class Events(Protocol):
    """Receives what happens to jobs."""

    def planned(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        """All jobs, and the mean seconds of jobs of each sort, as far as known."""

    def begun(self, job: Job) -> None:
        """A job was given to a worker."""

    def told(self, message: Message) -> None:
        """A worker reports its progress."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """A job ended."""


def drive(
    jobs: Sequence[Job], executor: Executor, events: Events, costs: Mapping[str, float]
) -> list[Outcome]:
    """Computes all jobs. Where one fails, the jobs that need it fail too, and no others.

    Of the jobs that could begin, the one with the longest chain of jobs that wait for it is first.

    Args:
        jobs: Each stands after those that it needs.
        executor: Where they are computed; closed by the caller.
        events: Told how it goes.
        costs: Mean seconds of jobs that are alike, so far as known.

    Raises:
        NoRoomError: Where a job found no room on a disk, which is no fault of the job.
    """
    state = _State(jobs, costs)
    events.planned(jobs, costs)
    running: dict[Future[Outcome], Job] = {}
    outcomes: list[Outcome] = []

    def end(job: Job, outcome: Outcome) -> None:
        outcomes.append(outcome)
        events.ended(job, outcome)
        for lost in state.ended(job, outcome.state == "done"):
            reason = f"needs {job.label}, which failed: {outcome.error}"
            end(lost, Outcome(lost.key, "failed", reason))

    while state.ready or running:
        while state.ready and len(running) < executor.workers:
            job = state.next()
            events.begun(job)
            running[executor.submit(job)] = job
        done, _ = wait(running, timeout=_POLL, return_when=FIRST_COMPLETED)
        for message in executor.messages():
            events.told(message)
        for future in done:
            job, outcome = running.pop(future), future.result()
            if outcome.state == "no room":
                raise NoRoomError(outcome.error)
            end(job, outcome)
    return outcomes


class _State:
    """Which jobs can begin; first the one with the longest chain of jobs that wait for it."""

    def __init__(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        self.jobs = {job.key: job for job in jobs}
        needs = {job.key: [need for need in job.needs if need in self.jobs] for job in jobs}
        self.behind: dict[str, list[Job]] = {}
        for job in jobs:
            for need in needs[job.key]:
                self.behind.setdefault(need, []).append(job)
        self.sorter = TopologicalSorter(needs)
        self.sorter.prepare()
        self.length = _lengths(jobs, self.behind, costs)
        self.order = {job.key: number for number, job in enumerate(jobs)}
        self.ready: list[tuple[float, int, str]] = []
        self.lost: set[str] = set()
        self._push_ready()

    def next(self) -> Job:
        """The next job to begin."""
        return self.jobs[heapq.heappop(self.ready)[2]]

    def ended(self, job: Job, well: bool) -> list[Job]:
        """Notes the end of a job; returns the jobs that cannot be computed without it."""
        if well:
            self.sorter.done(job.key)
            self._push_ready()
            return []
        behind = self.behind.get(job.key, [])
        lost = [other for other in behind if other.key not in self.lost]
        self.lost |= {other.key for other in lost}
        return lost

    def _push_ready(self) -> None:
        for key in self.sorter.get_ready():
            heapq.heappush(self.ready, (-self.length[key], self.order[key], key))


def _lengths(
    jobs: Sequence[Job], behind: Mapping[str, Sequence[Job]], costs: Mapping[str, float]
) -> dict[str, float]:
    """Seconds of each job and of the longest chain of jobs that need it."""
    lengths: dict[str, float] = {}
    for job in reversed(jobs):
        after = (lengths[other.key] for other in behind.get(job.key, ()))
        lengths[job.key] = costs.get(job.like, _UNKNOWN) + max(after, default=0.0)
    return lengths
