"""`lensbench sweep`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lensbench.cli.execution import (
    Execution,
    compute,
    execution_options,
    local_executor,
    make_resolver,
)
from lensbench.cli.options import (
    cluster_options,
    json_option,
    quiet_option,
    store_option,
    store_root,
    terminal_width,
)
from lensbench.cli.studies import expand_study, read_study, study_options

if TYPE_CHECKING:
    from lensbench.cli.display import Display
    from lensbench.execution.executors import Executor


@click.command("sweep")
@study_options
@cluster_options[0]
@cluster_options[1]
@click.option("--retry-failed", is_flag=True, help="Compute cells again that failed before.")
@quiet_option
@execution_options
@store_option
@json_option
def command(  # noqa: PLR0913  # an option each
    study: Path,
    overrides: tuple[str, ...],
    where: str,
    address: str,
    retry_failed: bool,
    quiet: bool,
    execution: Execution,
    store: str | None,
    as_json: bool,
) -> None:
    """Compute all cells of a study. What the store holds already is not computed again.

    You can stop or kill it at any time. The same command continues where it stopped.

    \b
    Examples:
      lensbench sweep studies/smoke.toml
      lensbench sweep studies/smoke.toml --set budget=quick --workers 4
    """
    from lensbench.execution.sweeps import Sweep
    from lensbench.store import open_store

    spec, text = read_study(study, overrides)
    run = spec.run
    resolver = make_resolver(
        execution.threads or run.threads, execution.device or run.device, run.processes
    )
    expanded = expand_study(resolver, spec)
    opened = open_store(store_root(store))
    count = execution.workers if execution.workers is not None else run.workers

    def make(display: Display) -> Executor:
        from lensbench.execution.executors.local import Limits

        if where == "ray":
            from lensbench.execution.executors.cluster import RayExecutor
            from lensbench.execution.worker import Settings, work

            settings = Settings(
                opened.address, resolver.numerics, resolver.code.known, run.checkpoint_seconds
            )
            return RayExecutor(settings, work, address, Limits(run.seconds, run.bytes))
        return local_executor(
            resolver, opened, count, display, Limits(run.seconds, run.bytes), run.checkpoint_seconds
        )

    sweep = Sweep(resolver, opened, expanded.cells, text, expanded.incompatible)
    swept = compute(sweep, make, quiet, retry_failed)
    if as_json:
        click.echo(swept.records.write_json())
    else:
        from lensbench.cli.table_limits import limit_finder
        from lensbench.leaderboard.table import study_tables

        limits = limit_finder(opened, resolver.catalogue, swept.records)
        for table in study_tables(swept.records, limits=limits, published=spec.published):
            click.echo(table.text(width=terminal_width()) + "\n")
        click.echo(f"Records: {opened.address}/runs/{swept.key}.parquet")
    for key, error in swept.failed.items():
        click.echo(f"failed: {key}: {error}", err=True)
    if swept.failed:
        click.echo(
            f"{len(swept.failed)} cells failed; --retry-failed computes them again, "
            f"their logs lie in {opened.address}/failures",
            err=True,
        )
    sys.exit(1 if swept.failed else 0)
