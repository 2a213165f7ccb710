"""How the C library hands out the memory of large arrays."""

from __future__ import annotations

import ctypes
import os

_MMAP_THRESHOLD, _TRIM_THRESHOLD = (-3, 32 << 20), (-1, 1 << 30)
"""Parameters of glibc's `mallopt`, and their values [bytes]; 32 MiB is the most that it takes."""


def reuse_freed_memory() -> None:
    """Has this process and its children take the memory of freed arrays again.

    By default glibc gives arrays of more than some 100 kB back to the system and asks for new pages
    each time, which have to be cleared: a step of training makes thousands of page faults.
    Without glibc nothing is done, nor where `MALLOC_MMAP_THRESHOLD_` is set by the caller.
    """
    if "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    for name, (parameter, value) in (
        ("MALLOC_MMAP_THRESHOLD_", _MMAP_THRESHOLD),
        ("MALLOC_TRIM_THRESHOLD_", _TRIM_THRESHOLD),
    ):
        mallopt(parameter, value)
        os.environ[name] = str(value)
