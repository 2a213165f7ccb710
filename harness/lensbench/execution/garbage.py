"""When Python looks for garbage."""

from __future__ import annotations

import gc
import sys
from typing import Any

_RARELY = (20_000, 50, 100)
"""Thresholds of the garbage collector while libraries are imported."""


def spare_imports() -> None:
    """Has this process look for garbage rarely while it imports libraries.

    The import of torch and others makes a million objects that stay. To look through them again
    and again takes a quarter of the time. Once two passes in a row find no new module, passes come
    as often as before, and leave out what was there by then.
    """
    if gc.get_freeze_count():
        return  # done before, or by who calls
    usual, modules, passes = gc.get_threshold(), 0, 0

    def passed(phase: str, _: dict[str, Any]) -> None:
        nonlocal modules, passes
        if phase == "stop":
            passes = passes + 1 if modules == len(sys.modules) else 0
            modules = len(sys.modules)
            if passes == 2:
                gc.callbacks.remove(passed)
                gc.freeze()
                gc.set_threshold(*usual)

    gc.callbacks.append(passed)
    gc.set_threshold(*_RARELY)
