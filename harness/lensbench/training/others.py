"""The further processes of a divided training: begun, listened to, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from lensbench.errors import RunError
from lensbench.study.describe import Numerics
from lensbench.training.team import Team

_FAREWELL = 2.0
"""Seconds in which a process that failed is to say why."""


@dataclass(frozen=True)
class Division:
    """What a further process needs to know to take part in a training.

    Attributes:
        numerics: How things are computed.
        part: Called there, gives what is called with the team; it can be pickled.
    """

    numerics: Numerics
    part: Callable[[], Callable[[Team], object]]


class Others:
    """Processes beside this one, each of which has what it needs before it is ready.

    Args:
        division: What they need to know.
        port: Of the meeting point on this machine.
        seed: Of the training.
    """

    def __init__(self, division: Division, port: int, seed: int) -> None:
        self.count = division.numerics.processes
        self.processes: list[subprocess.Popen[bytes]] = []
        self.logs: list[IO[bytes]] = []
        self.first_lines: dict[int, bytes] = {}
        threads = str(division.numerics.threads)
        environment = os.environ | {
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "TORCH_CPP_LOG_LEVEL": "ERROR",  # the reducer warns of a flag that it may not need
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        for rank in range(1, self.count):
            log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `end`)
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "lensbench.training.rank", str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
            self.processes.append(process)
            self.logs.append(log)
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it is dead: `wait_until_ready` tells
                process.stdin.write(pickle.dumps((division, rank, port, seed)))
                process.stdin.close()

    def wait_until_ready(self) -> None:
        """Returns when all have everything imported.

        Raises:
            RunError: Where one ended instead.
        """
        for process in self.processes:
            assert process.stdout is not None
            line = self.first_lines[process.pid] = process.stdout.readline()
            if line.strip() != b"ready":
                process.wait()
                raise RunError(self.fault(float("inf")) or "a process vanished")

    def wait(self) -> None:
        """Returns when all ended.

        Raises:
            RunError: Where one did not end well.
        """
        for process in self.processes:
            if process.wait() != 0:
                raise RunError(self.fault(float("inf")) or "a process vanished")

    def fault(self, until: float) -> str:
        """What the first that failed before a time says of it; empty where none did."""
        faults = []
        deadline = time.monotonic() + _FAREWELL
        for rank, process in enumerate(self.processes, 1):
            try:
                code = process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
            when, told = self._told(process, code)
            if code != 0 and when < until:
                faults.append((when, f"process {rank + 1} of {self.count}: {told}"))
                self._show_log(rank)
        return min(faults, default=(0.0, ""))[1]

    def end(self) -> None:
        """Kills what still runs."""
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        for log in self.logs:
            log.close()

    def _told(self, process: subprocess.Popen[bytes], code: int) -> tuple[float, str]:
        """When and how a process failed, by its last words or by its exit code."""
        assert process.stdout is not None
        for line in (self.first_lines.get(process.pid, b""), *process.stdout):
            with contextlib.suppress(ValueError, KeyError):
                words = json.loads(line)
                return float(words["at"]), str(words["error"])
        name = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return 0.0, name

    def _show_log(self, rank: int) -> None:
        log = self.logs[rank - 1]
        log.seek(0)
        print(log.read().decode(errors="replace")[-4000:])  # noqa: T201 (into the job's log)
