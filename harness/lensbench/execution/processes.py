"""Worker processes that end with the one that began them."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from lensbench.training.lineage import end_with_parent


def new_processes(
    count: int, threads: int, make: Callable[..., Callable[..., Any]], *arguments: Any
) -> ProcessPoolExecutor:
    """Processes begun afresh, so that they share no lock and no device with this one.

    Args:
        count: How many.
        threads: Of the arithmetic in each.
        make: Called once in each process, with `arguments`; makes what `call_made` calls there.
        arguments: As they can be pickled.
    """
    return ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), threads, make, arguments),
    )


def call_made(*arguments: Any) -> Any:
    """Calls, in a worker process, what was made there when it began."""
    return _Process.made(*arguments)


class _Process:
    """What a worker process keeps from one call to the next."""

    made: Callable[..., Any]


def _begin(
    parent: int, threads: int, make: Callable[..., Callable[..., Any]], arguments: tuple[Any, ...]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to handle
    end_with_parent(parent)
    import torch

    torch.set_num_threads(threads)
    _Process.made = staticmethod(make(*arguments))
