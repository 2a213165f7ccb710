"""In this process, one job after another: simple to debug, and nothing to start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future

from lensbench.execution.executors import Message
from lensbench.execution.worker import Settings, Work
from lensbench.study.job import Job, Outcome

Told = Callable[[Message], None]


class InlineExecutor:
    """Computes a job while it is submitted.

    Args:
        settings: What all jobs share.
        work: What computes a job.
        told: Called at once with what the job tells.
    """

    workers = 1

    def __init__(self, settings: Settings, work: Work, told: Told) -> None:
        self._settings = settings
        self._work = work
        self._told = told

    def submit(self, job: Job) -> Future[Outcome]:
        """Computes the job."""

        def watch(stage: str, done: int, total: int, note: str) -> None:
            self._told(Message(job.key, stage, done, total, note))

        future: Future[Outcome] = Future()
        future.set_result(self._work(self._settings, job, watch))
        return future

    def messages(self) -> Iterable[Message]:
        """None: they were passed on at once."""
        return ()

    def close(self, at_once: bool) -> None:
        """Does nothing: there are no workers."""
