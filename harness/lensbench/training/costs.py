"""What a computation costs: time, memory and, where the machine measures it, energy."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lensbench.api.progress import Progress, Report

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_ENERGY = Path("/sys/class/powercap")


class Costs(dict[str, Any]):
    """Costs of a computation by name, which begins now."""

    def __init__(self) -> None:
        super().__init__()
        self._start = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.perf_counter() - self._start

    def noting_warmup(self, report: Report) -> Report:
        """The same report, which also notes `warmup` when the first training step is reported."""

        def noting(progress: Progress) -> None:
            if progress.loss is not None:
                self.setdefault("warmup", self.elapsed)
            report(progress)

        return noting


@contextlib.contextmanager
def measured() -> Iterator[Costs]:
    """Measures the computation inside the block.

    Yields:
        A mapping that is filled at the end: `seconds` of wall time, `memory`, the largest resident
        size meanwhile [bytes], and `joules` of the whole machine where its counters can be read.
        `warmup`, the seconds until the end of the first training step, is in it if the training's
        report went through `Costs.noting_warmup`.
    """
    with contextlib.suppress(OSError):
        _RESET.write_text("5")  # the peak begins anew (proc(5))
    joules = _joules()
    cost = Costs()
    yield cost
    cost["seconds"] = cost.elapsed
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
