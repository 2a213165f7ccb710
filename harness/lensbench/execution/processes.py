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
    count: int, threads: int, prepare: Callable[..., object] | None = None, *arguments: Any
) -> ProcessPoolExecutor:
    """Processes begun afresh, so that they share no lock and no device with this one.

    Args:
        count: How many.
        threads: Of the arithmetic in each.
        prepare: Called once in each, with `arguments`.
        arguments: As they can be pickled.
    """
    return ProcessPoolExecutor(
        count,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), threads, prepare, arguments),
    )


def _begin(
    parent: int, threads: int, prepare: Callable[..., object] | None, arguments: tuple[Any, ...]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to handle
    end_with_parent(parent)
    import torch

    torch.set_num_threads(threads)
    if prepare is not None:
        prepare(*arguments)
