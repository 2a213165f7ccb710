"""Requests to stop the program."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_AGAIN_AFTER = 0.01
"""Of a request that was lost [s]."""

_report = sys.unraisablehook
"""Of all that is lost but requests to stop; kept here, so that to be asked twice nests nothing."""


def heed_sigterm(
    handler: Callable[[int, FrameType | None], Any] = signal.default_int_handler,
) -> None:
    """Has SIGTERM raise `KeyboardInterrupt`, again where the first one was lost.

    Only the main thread can ask for this; called from another, it does nothing.

    A handler runs between any two steps of the main thread, so now and then in the callback of a
    weak reference or in a finaliser. What is raised there Python reports and drops: the program
    would go on as if nobody had asked it to stop.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    signal.signal(signal.SIGTERM, handler)
    signal.signal(signal.SIGALRM, handler)
    sys.unraisablehook = _ask_again


def _ask_again(lost: sys.UnraisableHookArgs) -> None:
    if issubclass(lost.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER)
    else:
        _report(lost)
