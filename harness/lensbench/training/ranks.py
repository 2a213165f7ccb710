"""A training divided among processes of one machine.

Each process takes its share of every batch; gradients are averaged while they are computed.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed
from torch import Tensor, nn
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.nn.parallel import DistributedDataParallel

from lensbench.errors import LensbenchError, RunError
from lensbench.sky.seeds import seed_of
from lensbench.study.describe import Numerics
from lensbench.training.chance import seed_all
from lensbench.training.others import Division, Others
from lensbench.training.team import Alone, LossOf, Team

_HOST = "127.0.0.1"
_PATIENCE = timedelta(minutes=10)
"""How long processes wait for one another."""

_Value = TypeVar("_Value")


class Ranks:
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
            _Called(model), device_ids=self._places, find_unused_parameters=True
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


class _Called(nn.Module):
    """Holds a model while a loss is computed of it, for gradients are averaged by its owner."""

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
        yield Alone()
        return
    meeting = TCPStore(_HOST, 0, is_master=True, wait_for_workers=False)
    others = Others(division, meeting.port, seed)
    try:
        others.wait_until_ready()
        _group(meeting, 0, numerics)
        yield Ranks(0, numerics.processes, numerics.device, seed)
        others.wait()
    except LensbenchError:
        raise
    except Exception as error:
        told = others.fault(time.monotonic())
        if told:
            raise RunError(told, "its log stands in the log of this job") from error
        raise
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        others.end()


@contextlib.contextmanager
def joined(rank: int, port: int, numerics: Numerics, seed: int) -> Iterator[Team]:
    """The same for one of the other processes, which is to end where it fails.

    It leaves the group in good order where it does not: one that fails is to tell why before the
    others notice that it is gone.
    """
    _group(TCPStore(_HOST, port, is_master=False), rank, numerics)
    yield Ranks(rank, numerics.processes, numerics.device, seed)
    torch.distributed.destroy_process_group()


def _group(meeting: Any, rank: int, numerics: Numerics) -> None:
    """Waits for the others at a meeting point."""
    backend = "nccl" if numerics.device == "cuda" else "gloo"
    if sys.platform == "linux":
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # whatever the machine's name resolves to
    torch.distributed.init_process_group(
        backend, store=meeting, rank=rank, world_size=numerics.processes, timeout=_PATIENCE
    )
