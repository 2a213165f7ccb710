"""On a Ray cluster: jobs go to whatever node has room, and to another where one is lost."""

from __future__ import annotations

import contextlib
import importlib
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from lensbench.errors import UsageError
from lensbench.execution.executors import Message
from lensbench.execution.executors.local import Limits
from lensbench.execution.worker import Settings, Work
from lensbench.study.job import Job, Outcome

_STORE_BYTES = 100_000_000
"""Of Ray's object store where it is begun here: artefacts go through the store of files."""

_PATIENCE = 10.0
"""Seconds in which a cluster is to answer."""

_RETRIES = 5
"""How often a job is tried again whose node is lost."""


class RayExecutor:
    """Computes jobs as Ray tasks.

    The store must be one that every node reaches: a shared folder or a URL.

    Args:
        settings: What all jobs share.
        work: What computes a job: a function of a module that every node can import.
        address: Of the cluster; one is begun on this machine where it is empty.
        limits: What a job may take.

    Raises:
        UsageError: Where Ray is not installed or the cluster is not reached.
    """

    def __init__(
        self, settings: Settings, work: Work, address: str = "", limits: Limits | None = None
    ) -> None:
        ray, self._begun = connected(address)
        self._ray = ray
        self._settings = settings
        self._work = work
        self._limits = limits or Limits()
        self._threads = settings.numerics.threads
        self._cores = self._threads * settings.numerics.processes
        self._mail: Any = ray.remote(num_cpus=0, max_restarts=-1)(_Mail).remote()
        self._task = ray.remote(
            num_cpus=self._cores,
            num_gpus=settings.numerics.processes if settings.numerics.device == "cuda" else 0,
            max_retries=_RETRIES,
            runtime_env={"env_vars": {"OMP_NUM_THREADS": str(self._threads)}},
            **({"memory": self._limits.memory} if self._limits.memory else {}),
        )(_compute)
        self._running: dict[Any, threading.Timer | None] = {}

    @property
    def workers(self) -> int:
        """As many jobs as the cluster's cores allow now, and one to have at hand."""
        cores = self._ray.cluster_resources().get("CPU", 1)
        return max(1, int(cores // self._cores)) + 1

    def submit(self, job: Job) -> Future[Outcome]:
        """Hands a job to the cluster."""
        reference = self._task.remote(self._work, self._settings, job, self._mail)
        result: Future[Outcome] = Future()
        timer = None
        if self._limits.seconds is not None:
            timer = threading.Timer(
                self._limits.seconds, lambda: self._ray.cancel(reference, force=True)
            )
            timer.daemon = True
            timer.start()
        self._running[reference] = timer
        reference.future().add_done_callback(
            lambda ended: self._finish(job, reference, ended, result)
        )
        return result

    def messages(self) -> Iterable[Message]:
        """Messages of workers since the last call."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            yield from self._ray.get(self._mail.take.remote(), timeout=5.0)

    def close(self, at_once: bool) -> None:
        """Cancels what runs, and takes down a cluster that was begun here."""
        for reference, timer in list(self._running.items()):
            if timer is not None:
                timer.cancel()
            self._ray.cancel(reference, force=True)
        self._ray.kill(self._mail)
        if self._begun:
            self._ray.shutdown()

    def _finish(
        self, job: Job, reference: Any, ended: Future[Outcome], result: Future[Outcome]
    ) -> None:
        timer = self._running.pop(reference, None)
        late = timer is not None and not timer.is_alive()
        if timer is not None:
            timer.cancel()
        try:
            outcome = ended.result()
        except BaseException as error:  # Ray wraps whatever ended the task
            told = f"{type(error).__name__}: {error}".strip().splitlines()[0]
            if late:
                told = f"exceeded its time limit of {self._limits.seconds:g} s"
            outcome = Outcome(job.key, "failed", told)
        result.set_result(outcome)


def connected(address: str) -> tuple[Any, bool]:
    """Ray, connected to a cluster, and whether it was connected here.

    Args:
        address: Of the cluster; one is begun on this machine where it is empty.

    Raises:
        UsageError: Where Ray is not installed or the cluster is not reached.
    """
    import logging

    try:
        ray: Any = importlib.import_module("ray")
    except ImportError:
        raise UsageError("ray is not installed", "pip install 'lensbench[ray]'") from None
    if ray.is_initialized():
        return ray, False
    options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if not address:
        options |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        _reach(address)
        ray.init(address=address or "local", **options)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(
            f"no Ray cluster at {address!r}: {error}".splitlines()[0],
            "`ray start --head` begins one and prints its address",
        ) from None
    return ray, True


def _reach(address: str) -> None:
    """Knocks at `host:port`: Ray itself would try for minutes where nobody is there.

    Raises:
        OSError: Where nobody answers.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


class _Mail:
    """An actor that holds the messages of workers until the driver reads them."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Message] = {}

    def put(self, message: Message) -> None:
        """Keeps the latest message of each job and stage."""
        self._held[message.key, message.stage] = message

    def take(self) -> list[Message]:
        """Returns all messages and removes them."""
        held, self._held = list(self._held.values()), {}
        return held


def _compute(work: Work, settings: Settings, job: Job, mail: Any) -> Outcome:
    from lensbench.execution.executors.reports import throttled

    def send(stage: str, done: int, total: int, note: str) -> None:
        mail.put.remote(Message(job.key, stage, done, total, note))

    return work(settings, job, throttled(send))
