"""Imports code of plugins so that no plugin can stop, silence or hang lensbench unnamed."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from lensbench.errors import PluginError, one_line

DISABLE = "LENSBENCH_DISABLE_PLUGINS"
"""Environment variable with names of packages or entry points, joined by commas, to leave out."""

_OWN = "lensbench"
_PATIENCE = 2.0
"""Seconds of an import after which its package is named on stderr, where it is not lensbench."""


class PluginImportError(PluginError):
    """Code of a plugin did not get to its end when it was imported."""


@contextlib.contextmanager
def guarded(package: str) -> Iterator[None]:
    """Runs code of a package's import, whatever it does.

    What it prints goes to stderr, `os._exit` raises, and after two seconds stderr says whose code
    is running. Ctrl-C stops lensbench; a `KeyboardInterrupt` that the code raises itself does not.

    Raises:
        PluginImportError: In place of anything that the code raises.
    """
    slow = threading.Timer(_PATIENCE, _say_who, [package])
    slow.daemon = True
    if package != _OWN:
        slow.start()
    try:
        with _printing_to_stderr(), _without_exit(), _interrupts() as interrupts:
            try:
                yield
            except BaseException as error:  # SystemExit and KeyboardInterrupt included
                if interrupts and isinstance(error, KeyboardInterrupt):
                    raise
                raise PluginImportError(_message(error), f"{DISABLE}={package}") from error
    finally:
        slow.cancel()


def import_guarded(module: str, package: str) -> Any:
    """A module of a package, imported under `guarded` unless it is loaded already."""
    if module in sys.modules:
        return sys.modules[module]
    with guarded(package):
        return importlib.import_module(module)


def disabled() -> frozenset[str]:
    """Names that the environment asks to leave out."""
    return frozenset(filter(None, (n.strip() for n in os.environ.get(DISABLE, "").split(","))))


def _message(error: BaseException) -> str:
    text = one_line(error)
    if isinstance(error, PluginError) or text == type(error).__name__:
        return text
    return f"{type(error).__name__}: {text}"


def _say_who(package: str) -> None:
    sys.stderr.write(
        f"still importing plugins of package {package!r}; {DISABLE}={package} leaves them out\n"
    )
    sys.stderr.flush()


@contextlib.contextmanager
def _printing_to_stderr() -> Iterator[None]:
    """Python's stdout and the process's, to which C code and other processes write."""
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a process without stdout or stderr
            kept = os.dup(1)
            stack.callback(os.close, kept)
            stack.callback(os.dup2, kept, 1)
            os.dup2(2, 1)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


@contextlib.contextmanager
def _without_exit() -> Iterator[None]:
    """`os._exit` raises in this process; in one that was forked from it, it ends that one."""
    leave, process, active = os._exit, os.getpid(), True

    def refuse(status: int) -> None:
        if active and os.getpid() == process:
            raise SystemExit(f"os._exit({status}) when it was imported")
        leave(status)

    os._exit = refuse  # type: ignore[assignment]
    try:
        yield
    finally:
        active = False
        os._exit = leave


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Signals of Ctrl-C that came meanwhile; each raises `KeyboardInterrupt` as ever."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # ignored
        yield came
        return

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        before(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, before)
