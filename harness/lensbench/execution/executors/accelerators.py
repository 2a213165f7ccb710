"""Which accelerators each worker of this machine has to itself."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

from lensbench.errors import UsageError

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_devices(count: int) -> list[str]:
    """Names of the accelerators that this process may use, of so many that the machine has."""
    given = os.environ.get(_VISIBLE)
    if given is None:
        return [str(number) for number in range(count)]
    return [name for name in given.split(",") if name]


def share_of(slot: int, processes: int, devices: Sequence[str]) -> list[str]:
    """Accelerators of one worker: one for each process; workers beyond the last share begin anew.

    Raises:
        UsageError: Where there are fewer accelerators than processes.
    """
    shares = len(devices) // processes
    if shares == 0:
        raise UsageError(
            f"{processes} processes need {processes} accelerators, there are {len(devices)}",
            "lower run.processes",
        )
    first = slot % shares * processes
    return list(devices[first : first + processes])


def take_slot(folder: Path, slots: int) -> int:
    """The first number that no living process of these has taken; held until this one ends.

    Raises:
        RuntimeError: Where all are taken.
    """
    for number in range(slots):
        handle = os.open(folder / f"slot-{number}", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            continue
        return number
    raise RuntimeError(f"all {slots} slots of {folder} are taken")


def confine(folder: Path, slots: int, processes: int, devices: Sequence[str]) -> None:
    """Leaves this process its share of the accelerators; to be called before any is used."""
    os.environ[_VISIBLE] = ",".join(share_of(take_slot(folder, slots), processes, devices))
