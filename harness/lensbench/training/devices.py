"""Devices that torch can use here."""

from __future__ import annotations

import functools
import platform
from pathlib import Path

import torch

_CPUS = Path("/proc/cpuinfo")


def default_device() -> str:
    """The accelerator where there is one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_names() -> list[str]:
    """Devices, with the number of CPU threads."""
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    return names + [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


def accelerator_count() -> int:
    """How many accelerators this process may use."""
    return torch.cuda.device_count()


@functools.cache
def device_name(device: str) -> str:
    """Model of the processor or of the accelerator in use."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    try:
        for line in _CPUS.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
