"""Drives jobs through an executor: each after those that it needs, none lost."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Protocol

from lensbench.errors import NoRoomError
from lensbench.execution.executors import Executor, Message
from lensbench.study.job import Job, Outcome

_POLL = 0.25
"""Seconds after which messages are read though no job has ended."""


_UNKNOWN = 1.0
"""Seconds that a job is taken for where none like it was measured."""


class Events(Protocol):
    """Who is told how it goes."""

    def planned(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        """These jobs there are; and mean seconds of those that are alike, so far as known."""

    def begun(self, job: Job) -> None:
        """A job was handed out."""

    def told(self, message: Message) -> None:
        """A worker tells of the job at hand."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """A job ended."""


def drive(
    jobs: Sequence[Job], executor: Executor, events: Events, costs: Mapping[str, float]
) -> list[Outcome]:
    """Computes all jobs; where one fails, so do those that need it, and no other.

    Of the jobs that could begin, that with the longest way of jobs behind it is first.

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
    """Which jobs can begin, by the length of what waits for them."""

    def __init__(self, jobs: Sequence[Job], costs: Mapping[str, float]) -> None:
        self.jobs = {job.key: job for job in jobs}
        self.waiting = {job.key: {n for n in job.needs if n in self.jobs} for job in jobs}
        self.behind: dict[str, list[Job]] = {}
        for job in jobs:
            for need in self.waiting[job.key]:
                self.behind.setdefault(need, []).append(job)
        self.length = _lengths(jobs, self.behind, costs)
        self.order = {job.key: number for number, job in enumerate(jobs)}
        self.ready: list[tuple[float, int, str]] = []
        self.lost: set[str] = set()
        for job in jobs:
            if not self.waiting[job.key]:
                self._push(job)

    def next(self) -> Job:
        """The job to begin with."""
        return self.jobs[heapq.heappop(self.ready)[2]]

    def ended(self, job: Job, well: bool) -> list[Job]:
        """Notes the end of a job; gives the jobs that are lost with it."""
        behind = self.behind.get(job.key, [])
        if not well:
            lost = [other for other in behind if other.key not in self.lost]
            self.lost |= {other.key for other in lost}
            return lost
        for other in behind:
            self.waiting[other.key].discard(job.key)
            if not self.waiting[other.key] and other.key not in self.lost:
                self._push(other)
        return []

    def _push(self, job: Job) -> None:
        heapq.heappush(self.ready, (-self.length[job.key], self.order[job.key], job.key))


def _lengths(
    jobs: Sequence[Job], behind: Mapping[str, Sequence[Job]], costs: Mapping[str, float]
) -> dict[str, float]:
    """Cost of each job with the costliest way of jobs behind it."""
    lengths: dict[str, float] = {}
    for job in reversed(jobs):
        after = (lengths[other.key] for other in behind.get(job.key, ()))
        lengths[job.key] = costs.get(job.like, _UNKNOWN) + max(after, default=0.0)
    return lengths
