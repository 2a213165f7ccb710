"""A training divided among processes of one machine.

Each process takes its share of every batch; gradients are averaged while they are computed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed
from torch import Tensor, nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.multiprocessing.spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    start_processes,
)
from torch.nn.parallel import DistributedDataParallel

from lensbench.errors import LensbenchError, RunError
from lensbench.sky.seeds import seed_of
from lensbench.study.describe import Numerics
from lensbench.training.chance import seed_all
from lensbench.training.lineage import end_with_parent, environment
from lensbench.training.team import LossOf, SingleProcess, Team

_HOST = "127.0.0.1"
_PATIENCE = timedelta(minutes=10)
"""How long processes wait for one another."""

_FAREWELL = 2.0
"""Seconds in which a process that failed is to end, once another noticed that it did."""

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Division:
    """What a further process needs to know to take part in a training.

    Attributes:
        numerics: How things are computed.
        part: Called there, returns what is called with the team; it can be pickled.
    """

    numerics: Numerics
    part: Callable[[], Callable[[Team], object]]


class ProcessGroup:
    """One process of several.

    Each process seeds all chance of a step by the training's seed, the step and its rank, so what
    is to be gone on from is the same in all processes and is kept by the first alone.

    Args:
        rank: Which of them, from 0.
        processes: How many.
        device: `cpu` or `cuda`, where each process has a device of its own.
        seed: Of the training.
    """

    def __init__(self, rank: int, processes: int, device: str, seed: int) -> None:
        self.rank = rank
        self.processes = processes
        self._seed = seed
        self._places = [rank] if device == "cuda" else None
        if device == "cuda":
            torch.cuda.set_device(rank)
        self._own, self._common = torch.Generator(), torch.Generator()
        self._model: Any = None

    def join(self, model: nn.Module) -> None:
        """Takes a model; all go on from the first one's weights.

        Parameters without a gradient are looked for: a strategy may make no use of some.
        """
        self._model = DistributedDataParallel(
            _LossModule(model), device_ids=self._places, find_unused_parameters=True
        )

    def agreed(self, value: _Value) -> _Value:
        """What the first process has of it."""
        told = [value]
        torch.distributed.broadcast_object_list(told)
        return told[0]

    def common(self, generator: torch.Generator) -> torch.Generator:
        """A generator that is in the same state in all processes."""
        return self._common

    def differentiate(
        self, loss_of: LossOf, indices: Tensor, generator: torch.Generator, step: int
    ) -> float:
        """Gradients of the mean over all shares, each weighed by its size.

        Raises:
            RunError: Where there are fewer samples than processes.
        """
        if len(indices) < self.processes:
            raise RunError(
                f"a batch of {len(indices)} cannot be divided among {self.processes} processes",
                "take fewer processes, or more scenes",
            )
        share = indices.tensor_split(self.processes)[self.rank]
        own = seed_of("share", self._seed, step, self.rank)
        seed_all(own)
        self._own.manual_seed(own)
        self._common.manual_seed(seed_of("share", self._seed, step))
        weight = len(share) * self.processes / len(indices)
        loss = weight * self._model(lambda: loss_of(share, self._own))
        loss.backward()
        total = loss.detach().clone()
        torch.distributed.all_reduce(total)
        return float(total / self.processes)


class _LossModule(nn.Module):
    """Holds a model whose loss a function computes, so that its owner averages the gradients."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, loss: Any) -> Tensor:
        """The loss."""
        value: Tensor = loss()
        return value


@contextlib.contextmanager
def divided(division: Division, seed: int) -> Iterator[Team]:
    """The processes among which a training is divided, of which this is the first.

    None of the others is left at the end, however it comes.

    Args:
        division: What the others need to know.
        seed: Of the training.

    Raises:
        RunError: Where one of the others failed, with its error.
    """
    numerics = division.numerics
    if numerics.processes == 1:
        yield SingleProcess()
        return
    meeting = TCPStore(_HOST, 0, is_master=True, wait_for_workers=False)
    threads = str(numerics.threads)
    quiet = {"TORCH_CPP_LOG_LEVEL": "ERROR"}  # the reducer warns of a flag that it may not need
    with environment({"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads} | quiet):
        arguments = (division, meeting.port, seed, os.getpid())
        others = start_processes(  # type: ignore[no-untyped-call]
            _take_part, arguments, numerics.processes - 1, join=False
        )
    try:
        with _faults_of(others, numerics.processes):
            ready = [_ready(rank) for rank in range(1, numerics.processes)]
            while not meeting.check(ready):
                others.join(0.05)
            _join_group(meeting, 0, numerics)
            yield ProcessGroup(0, numerics.processes, numerics.device, seed)
            while not others.join():
                pass
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for process in others.processes:
            process.kill()
            process.join()


@contextlib.contextmanager
def _faults_of(others: ProcessContext, processes: int) -> Iterator[None]:
    """An error that another process caused by failing becomes that process's own error."""
    try:
        try:
            yield
        except (LensbenchError, ProcessException):
            raise
        except Exception:
            deadline = time.monotonic() + _FAREWELL
            while (left := deadline - time.monotonic()) > 0 and not others.join(left):
                pass
            raise
    except ProcessException as fault:
        if isinstance(fault, ProcessExitedException):
            name = fault.signal_name
            reason = f"killed by {name}" if name else f"exit code {fault.exit_code}"
        else:
            print(fault)  # noqa: T201 (the traceback, into the job's log)
            reason = re.sub(r"^[\w.]*\.(?=\w+:)", "", str(fault).strip().splitlines()[-1])
        raise RunError(
            f"process {fault.error_index + 2} of {processes}: {reason}",
            "the log of this job has more of it",
        ) from fault


def _take_part(index: int, division: Division, port: int, seed: int, parent: int) -> None:
    """What each further process runs.

    One that fails ends without leaving the group, so that its error is known before the others
    notice that it is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to handle
    end_with_parent(parent)
    os.dup2(2, 1)  # what plugins print is no result
    numerics, rank = division.numerics, index + 1
    torch.set_num_threads(numerics.threads)
    take_part = division.part()
    meeting = TCPStore(_HOST, port, is_master=False)
    meeting.set(_ready(rank), "")
    _join_group(meeting, rank, numerics)
    take_part(ProcessGroup(rank, numerics.processes, numerics.device, seed))
    torch.distributed.destroy_process_group()
    sys.stdout.flush()
    os._exit(0)  # libraries must not hold up the first process


def _ready(rank: int) -> str:
    """Key under which a process says that it has everything imported."""
    return f"ready/{rank}"


def _join_group(meeting: Any, rank: int, numerics: Numerics) -> None:
    """Waits for the others at a meeting point."""
    backend = "nccl" if numerics.device == "cuda" else "gloo"
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # whatever the machine's name resolves to
    torch.distributed.init_process_group(
        backend, store=meeting, rank=rank, world_size=numerics.processes, timeout=_PATIENCE
    )
