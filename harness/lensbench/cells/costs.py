"""What a computation costs: time, memory and, where the machine tells, energy."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_ENERGY = Path("/sys/class/powercap")


@contextlib.contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Measures what is done inside.

    Yields:
        A mapping that is filled at the end: `seconds` of wall time, `memory`, the largest resident
        size meanwhile [bytes], and `joules` of the whole machine where its counters can be read.
    """
    cost: dict[str, float] = {}
    with contextlib.suppress(OSError):
        _RESET.write_text("5")  # the peak begins anew (proc(5))
    joules = _joules()
    start = time.perf_counter()
    yield cost
    cost["seconds"] = time.perf_counter() - start
    cost["memory"] = _peak_memory()
    after = _joules()
    if joules is not None and after is not None and after >= joules:
        cost["joules"] = after - joules


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
