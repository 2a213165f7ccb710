"""What a computation costs: time, memory and, where the machine tells, energy."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_ENERGY = Path("/sys/class/powercap")
_WARMED_UP: ContextVar[float | None] = ContextVar("warmed_up", default=None)


@contextlib.contextmanager
def measured() -> Iterator[dict[str, Any]]:
    """Measures what is done inside.

    Yields:
        A mapping that is filled at the end: `seconds` of wall time, `memory`, the largest resident
        size meanwhile [bytes], `joules` of the whole machine where its counters can be read, and
        `warmup`, the seconds of `seconds` until the end of the first step, where there are steps.
    """
    cost: dict[str, Any] = {}
    with contextlib.suppress(OSError):
        _RESET.write_text("5")  # the peak begins anew (proc(5))
    joules = _joules()
    start = time.perf_counter()
    token = _WARMED_UP.set(None)
    try:
        yield cost
        warmed_up_at = _WARMED_UP.get()
    finally:
        _WARMED_UP.reset(token)
    if warmed_up_at is not None:
        cost["warmup"] = warmed_up_at - start
    cost["seconds"] = time.perf_counter() - start
    cost["memory"] = _peak_memory()
    after = _joules()
    if joules is not None and after is not None and after >= joules:
        cost["joules"] = after - joules


def warmed_up() -> None:
    """Notes that a first step was taken; later ones inside the same measurement do not count."""
    if _WARMED_UP.get() is None:
        _WARMED_UP.set(time.perf_counter())


def _peak_memory() -> float:
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024.0 * int(line.split()[1])
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _joules() -> float | None:
    """Sum of the packages' energy counters (powercap, Intel RAPL), where they can be read."""
    try:
        counters = [zone / "energy_uj" for zone in _ENERGY.glob("intel-rapl:?")]
        values = [int(counter.read_text()) for counter in counters]
    except (OSError, ValueError):
        return None
    return 1e-6 * sum(values) if values else None
