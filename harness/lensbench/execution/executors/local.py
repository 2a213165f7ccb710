"""In processes of this machine, each with its share of the cores."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as OutOfTimeError
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import torch
from pebble import ProcessExpired, ProcessPool
from pebble.pool.process import TaskManager

from lensbench.execution.executors import Message
from lensbench.execution.executors.accelerators import confine, share_of, visible_devices
from lensbench.execution.executors.reports import Mailbox, reporter
from lensbench.execution.interrupts import heed_sigterm
from lensbench.execution.worker import Settings, Work
from lensbench.study.job import Job, Outcome
from lensbench.training.lineage import end_with, end_with_parent, environment

_PRELOADED = ["lensbench.execution.worker", "sklearn.linear_model", "torch._dynamo"]
"""By the server once, not by each worker; torch's compiler is what any optimiser imports."""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_DYING = 1
"""Slots beyond those of the workers: of one that is replaced and not yet gone."""
_QUIET = {"TORCH_CPP_LOG_LEVEL": "ERROR"}
"""torch's own lines would garble the display; its warnings in Python go to the job's log."""


@dataclass(frozen=True)
class Limits:
    """What a job may take.

    Attributes:
        seconds: Of wall time; `None` for no limit.
        memory: Of data in memory [bytes]; `None` for no limit.
    """

    seconds: float | None = None
    memory: int | None = None


class LocalExecutor:
    """A pool of worker processes; one that dies or takes too long is replaced by another.

    Args:
        settings: What all jobs share.
        work: What computes a job: a function of a module, for workers import it.
        workers: How many.
        limits: What a job may take.
    """

    def __init__(
        self, settings: Settings, work: Work, workers: int, limits: Limits | None = None
    ) -> None:
        self.workers = workers
        self._settings = settings
        self._work = work
        self._limits = limits or Limits()
        self._mailbox = Mailbox()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        with environment(dict.fromkeys(_THREADS, str(settings.numerics.threads)) | _QUIET):
            _begin_server(context)
            self._pool = _Pool(
                max_workers=workers,
                initializer=_begin,
                initargs=(
                    self._limits.memory,
                    os.getpid(),
                    self._mailbox.folder,
                    self._accelerators(),
                ),
                context=context,
            )
            self._pool.schedule(_ready).result()

    def _accelerators(self) -> tuple[Any, ...]:
        """What a worker's `confine` is called with; nothing on the CPU."""
        numerics = self._settings.numerics
        if numerics.device != "cuda":
            return ()
        devices = visible_devices(torch.cuda.device_count())
        share_of(0, numerics.processes, devices)  # told here, where the user sees it
        return self._mailbox.folder, self.workers + _DYING, numerics.processes, devices

    def submit(self, job: Job) -> Future[Outcome]:
        """Queues a job."""
        result: Future[Outcome] = Future()
        arguments = (self._work, self._settings, job, self._mailbox.address)
        running = self._pool.schedule(_compute, args=arguments, timeout=self._limits.seconds)
        running.add_done_callback(lambda ended: self._finish(job, ended, result))
        return result

    def messages(self) -> Iterable[Message]:
        """Messages of workers since the last call."""
        return self._mailbox.read()

    def close(self, at_once: bool) -> None:
        """Ends all workers and leaves none behind."""
        if at_once:
            self._pool.stop()  # type: ignore[no-untyped-call]
        else:
            self._pool.close()  # type: ignore[no-untyped-call]
        self._pool.join()
        self._mailbox.close()

    def _finish(self, job: Job, ended: Future[Outcome], result: Future[Outcome]) -> None:
        try:
            outcome = ended.result()
        except OutOfTimeError:
            limit = self._limits.seconds
            outcome = Outcome(job.key, "failed", f"exceeded its time limit of {limit:g} s")
        except ProcessExpired as death:
            outcome = Outcome(job.key, "failed", _told_death(death.exitcode))
        except CancelledError:
            result.cancel()
            return
        except Exception as error:  # what could not be sent between processes
            outcome = Outcome(job.key, "failed", f"{type(error).__name__}: {error}")
        result.set_result(outcome)


class _Tasks(TaskManager):
    """Limits the time of tasks by a clock that does not jump; pebble's goes by that of the wall."""

    def task_start(self, task_id: int, worker_id: int | None) -> None:
        super().task_start(task_id, worker_id)
        if task_id in self.tasks:
            self.tasks[task_id].timestamp = time.monotonic()

    @staticmethod
    def timeout(task: Any) -> bool:
        limited = task.timeout and task.started
        return bool(limited and time.monotonic() - task.timestamp > task.timeout)


class _Pool(ProcessPool):
    """Ends its workers before it takes down the locks, which one that just begins still looks for.

    A worker that died is replaced even when nothing is left to do. Closed at that moment, the
    pool would leave the new one without its locks, and its traceback on the terminal.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._pool_manager.task_manager = _Tasks(self._context.task_queue.task_done)

    def _stop_pool(self) -> None:
        if self._pool_manager_loop is not None:
            self._pool_manager_loop.join()  # begins no worker any more
        self._pool_manager.worker_manager.force_stop_workers()  # type: ignore[no-untyped-call]
        super()._stop_pool()  # type: ignore[no-untyped-call]


def _told_death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        guess = " (out of memory?)" if -code == signal.SIGKILL else ""
        return f"the worker was killed by {name}{guess}"
    return f"the worker ended with exit code {code}"


def _begin_server(context: ForkServerContext) -> None:
    """Starts the server of the workers, which imports what they need, in the present environment.

    It and all that it forks do not hear Ctrl-C, which a terminal sends to everyone: that is the
    driver's to handle. Where it comes meanwhile, no worker looks for locks that are gone.
    """
    resource_tracker.ensure_running()  # would let the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    first = context.Process(target=_ready)
    first.start()  # waits until the server is up
    first.join()


def _ready() -> None:
    """Does nothing: it returns when a process or a worker has started."""


def _begin(memory: int | None, driver: int, temporary: Path, accelerators: tuple[Any, ...]) -> None:
    """Run first in every worker; its temporary files go with the driver's."""
    tempfile.tempdir = str(temporary)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to handle
    heed_sigterm(_stop)
    multiprocessing.current_process().daemon = False  # may divide a training among processes
    end_with_parent()
    end_with(driver)
    if accelerators:
        confine(*accelerators)
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


class _Worker:
    """Whether this process is computing a job."""

    busy = False


def _stop(*_: object) -> None:
    """Interrupts the job, so that checkpoints are written and temporary files are removed."""
    if not _Worker.busy:
        os._exit(0)
    raise KeyboardInterrupt


def _compute(work: Work, settings: Settings, job: Job, address: str) -> Outcome:
    _Worker.busy = True
    try:
        return work(settings, job, reporter(address, job.key))
    except KeyboardInterrupt:
        os._exit(128 + signal.SIGTERM)  # unwound as it was told to, it takes no other job
    finally:
        _Worker.busy = False
