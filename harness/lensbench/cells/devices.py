"""Devices that torch can use here."""

from __future__ import annotations

import torch


def default_device() -> str:
    """The accelerator where there is one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def device_names() -> list[str]:
    """Devices, with the number of CPU threads."""
    names = [f"cpu ({torch.get_num_threads()} threads)"]
    return names + [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
