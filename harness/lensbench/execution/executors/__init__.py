"""Executors: where jobs are computed, in this process, in others here, or on a cluster."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import NamedTuple, Protocol

from lensbench.study.job import Job, Outcome


class Message(NamedTuple):
    """A report of a worker about its job."""

    key: str
    stage: str
    done: int
    total: int
    note: str


class Executor(Protocol):
    """Computes jobs that it is given; a worker that dies fails its job and no other."""

    @property
    def workers(self) -> int:
        """How many jobs it computes at a time."""
        ...

    def submit(self, job: Job) -> Future[Outcome]:
        """Begins a job, or queues it."""
        ...

    def messages(self) -> Iterable[Message]:
        """Messages of workers since the last call."""
        ...

    def close(self, at_once: bool) -> None:
        """Ends all workers: when they are done with their jobs, or without waiting for it."""
        ...
