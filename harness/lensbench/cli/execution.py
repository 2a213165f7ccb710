"""What the verbs that compute share: their options, and the way from cells to records."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.display import Display
from lensbench.cli.options import chosen_device, device_option, threads_option

if TYPE_CHECKING:
    from lensbench.cells.resolved import Resolver
    from lensbench.execution.executors import Executor
    from lensbench.execution.executors.local import Limits
    from lensbench.execution.sweeps import Sweep, SweepResult
    from lensbench.store import Store
    from lensbench.study.describe import Numerics


@dataclass(frozen=True)
class Execution:
    """What `--workers`, `--threads` and `--device` say; `None` for the default."""

    workers: int | None
    threads: int | None
    device: str | None


def execution_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--workers`, `--threads` and `--device`, which the command receives as an `Execution`."""

    @functools.wraps(function)
    def command(
        workers: int | None, threads: int | None, device: str | None, **options: Any
    ) -> Any:
        return function(execution=Execution(workers, threads, device), **options)

    for option in (
        click.option(
            "--workers",
            type=click.IntRange(0),
            metavar="N",
            envvar="LENSBENCH_WORKERS",
            help="Number of worker processes; 0 computes in this process.  "
            "[default: $LENSBENCH_WORKERS or cores / threads]",
        ),
        threads_option,
        device_option,
    ):
        command = option(command)
    return command


def make_resolver(threads: int | None, device: str | None, processes: int = 1) -> Resolver:
    """The plugins that are installed, to compute on this device with these threads."""
    from lensbench.cells.resolved import Resolver
    from lensbench.registry import load_catalogue
    from lensbench.study.describe import Numerics

    catalogue = load_catalogue()
    for old in catalogue.outdated:
        click.echo(f"warning: {old.package} is for an older lensbench; {old.changes}", err=True)
    return Resolver(catalogue, Numerics(chosen_device(device), threads or 1, processes))


def compute(
    sweep: Sweep,
    executor: Callable[[Display], Executor],
    quiet: bool = False,
    retry_failed: bool = False,
) -> SweepResult:
    """Records of the cells of a sweep: read from the store, or else computed by the executor."""
    finished = sweep.finished()
    if finished is not None:
        return finished
    with Display(quiet) as display:
        return sweep.run(lambda: executor(display), display, retry_failed)


def local_executor(
    resolver: Resolver,
    store: Store,
    workers: int | None,
    display: Display,
    limits: Limits | None = None,
    checkpoint_seconds: float = 60.0,
) -> Executor:
    """Workers on this machine, or this process where none are asked for."""
    from lensbench.execution.executors.inline import InlineExecutor
    from lensbench.execution.executors.local import LocalExecutor
    from lensbench.execution.worker import Settings, work

    settings = Settings(store.address, resolver.numerics, resolver.code.known, checkpoint_seconds)
    numerics = resolver.numerics
    count = workers if workers is not None else default_workers(numerics)
    if count == 0:
        return InlineExecutor(settings, work, display.told)
    return LocalExecutor(settings, work, count, limits)


def default_workers(numerics: Numerics) -> int:
    """As many as this process's cores allow, and its accelerators where these are used."""
    from lensbench.training.devices import accelerator_count

    places = len(os.sched_getaffinity(0)) // (numerics.threads * numerics.processes)
    if numerics.device == "cuda":
        places = min(places, accelerator_count() // numerics.processes)
    return max(1, places)
