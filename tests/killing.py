"""Commands that are killed midway, as a machine that goes down does."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

PATIENCE = 1200.0
"""Seconds for a command to come so far on a busy machine."""


def killed_when(
    process: subprocess.Popen[bytes], begun: Callable[[], object], every: float = 0.001
) -> int:
    """Kills a process as soon as it has begun its work, and says how it ended.

    Args:
        process: One that runs. Where it ends by itself, nobody is killed.
        begun: Whether it has come so far.
        every: Seconds between two looks.
    """
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline and not begun():
        time.sleep(every)
    process.send_signal(signal.SIGKILL)
    return process.wait()
