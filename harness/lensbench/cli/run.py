"""`lensbench run`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lensbench.api.budget import BUDGETS
from lensbench.cli.completion import (
    BASELINE,
    CONDITION,
    CONDITIONS,
    DATASET,
    ENCODER,
    PRETRAINING,
    TASK,
    TRANSFER,
)
from lensbench.cli.execution import execution_options
from lensbench.cli.options import json_option, split_references, store_option, store_root
from lensbench.errors import UsageError, nearest

if TYPE_CHECKING:
    import polars as pl

    from lensbench.cells.resolved import Resolver
    from lensbench.leaderboard.standings import Limits
    from lensbench.registry import Catalogue
    from lensbench.store import Store


@click.command("run")
@click.option(
    "--encoder", type=ENCODER, default="", metavar="NAME[:OPTION=VALUE,…]", help="Who is asked."
)
@click.option(
    "--baseline",
    type=BASELINE,
    default="",
    metavar="NAME",
    help="A baseline in place of an encoder.",
)
@click.option("--task", type=TASK, required=True, metavar="NAME[:…]", help="What is asked.")
@click.option(
    "--pretraining",
    type=PRETRAINING,
    default="",
    metavar="NAME[:…]",
    help="[default: the encoder's own]",
)
@click.option(
    "--transfer", type=TRANSFER, default="finetune", show_default=True, metavar="NAME[:…]"
)
@click.option(
    "--dataset",
    type=DATASET,
    default="lenses",
    show_default=True,
    metavar="NAME[:…]",
    help="Scenes to train on, and to test on.",
)
@click.option(
    "--test-dataset",
    type=DATASET,
    default="",
    metavar="NAME[:…]",
    help="Scenes to test on instead, e.g. images:path=FOLDER.",
)
@click.option(
    "--train-condition",
    type=CONDITION,
    default="",
    metavar="NAME[:…]",
    help="Observing condition of all training.  [default: euclid-vis, or the dataset's own]",
)
@click.option(
    "--test-conditions",
    type=CONDITIONS,
    default="",
    metavar="NAME,NAME,…",
    help="Other conditions to test under.  [default: the usual four, or the dataset's own]",
)
@click.option(
    "--pretraining-dataset",
    type=DATASET,
    default="",
    metavar="NAME[:…]",
    help="Scenes to pretrain on instead, e.g. stored:path=FOLDER of unlabelled images.",
)
@click.option(
    "--pretraining-conditions",
    type=CONDITIONS,
    default="",
    metavar="NAME,NAME,…",
    help="Conditions to pretrain under.  [default: the training condition]",
)
@click.option(
    "--target-condition",
    type=CONDITION,
    default="",
    metavar="NAME[:…]",
    help="Condition that a transfer adapts to.  [default: the last to test under]",
)
@click.option("--labels", type=int, help="Labelled scenes to train on.  [default: the budget's]")
@click.option(
    "--budget",
    default="minute",
    show_default=True,
    metavar=f"[{'|'.join(BUDGETS)}]",
    help="Length of training, size of splits.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of draw, pretraining and fit."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "latex"]),
    default="terminal",
    show_default=True,
)
@click.option("--metric", default="", metavar="NAME", help="[default: the task's primary one]")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write a table of all test images there: truth and prediction by entrant.",
)
@click.option("--quiet", is_flag=True, help="No progress.")
@execution_options
@store_option
@json_option
def command(store: str | None, as_json: bool, form: str, metric: str, quiet: bool,
            test_conditions: str, pretraining_conditions: str, seed: int,
            workers: int | None, threads: int | None, device: str | None, out: Path | None,
            **named: Any) -> None:  # fmt: skip
    """Rank one entrant on one task, beside the supervised CNN and the task's baselines.

    \b
    Examples:
      lensbench run --encoder mae-vit --task superres
      lensbench run --encoder mae-vit:patch=4 --task morphology --budget smoke
      lensbench run --encoder mae-vit --task superres --test-dataset images:path=FOLDER

    Whatever is in the store already is not computed again.
    """
    from lensbench.cli.execution import compute, local_executor, make_resolver
    from lensbench.store import open_store
    from lensbench.study.cell import Seeds
    from lensbench.study.expand import Expanded
    from lensbench.study.plan import Request, plan_run

    asked = Request(
        **named,
        seeds=Seeds(draw=seed, pretraining=seed, fit=seed),
        test_conditions=split_references(test_conditions),
        pretraining_conditions=split_references(pretraining_conditions),
    )
    resolver = make_resolver(threads, device)
    cells = plan_run(resolver.catalogue, asked)
    opened = open_store(store_root(store))

    from lensbench.cells.checks import Checks

    checks = Checks(resolver.plugins)
    for cell in cells:
        checks.check(cell)
    _check_metric(resolver, cells[0].task, metric)
    swept = compute(
        resolver, opened, Expanded(tuple(cells), ()), quiet=quiet, retry_failed=True,
        executor=lambda display: local_executor(resolver, opened, workers, display),
    )  # fmt: skip
    if as_json:
        click.echo(swept.records.write_json())
    else:
        from lensbench.leaderboard.table import run_table

        limits = _limits(opened, resolver.catalogue, swept.records)
        click.echo(run_table(swept.records, metric, limits).text(form))
        click.echo(f"Records: {opened.root / 'runs' / (swept.key + '.parquet')}")
        where = f" --store {store}" if store else ""
        click.echo(f"Pictures: lensbench show-run {swept.key}{where}")
    if out is not None:
        from lensbench.inference.results import write_results

        written, _ = write_results(out, resolver, opened, cells)
        click.echo(f"Images: {written}", err=as_json)
    failed = swept.records.filter(swept.records["state"] == "failed")
    for name, error in failed.select("entrant", "error").unique().iter_rows():
        click.echo(f"failed: {name}: {error}", err=True)
    sys.exit(1 if swept.failed else 0)


def _check_metric(resolver: Resolver, task: str, metric: str) -> None:
    """Refuses a metric that the task does not have, before anything is computed."""
    known = [its.name for its in resolver.plugins.get("task", task).metrics]
    if metric and metric not in known:
        raise UsageError(f"task {task!r} has no metric {metric!r}", nearest(metric, known))


def _limits(store: Store, catalogue: Catalogue, records: pl.DataFrame) -> Limits:
    """What the store has of limits of these records' metrics, by metric and condition."""
    if not any(name.startswith("rmse_") for name in records["metric"]):
        return {}
    from lensbench.leaderboard.standings import Limit
    from lensbench.limits.stored import known_limits

    first = records.row(0, named=True)
    conditions = records["test_condition"].unique().to_list()
    found = known_limits(store, catalogue, first["test_dataset"], conditions, first["seed_draw"])
    return {
        (f"rmse_{limit.target}", condition): Limit(limit.reference, limit.bound)
        for condition, its in found.items()
        for limit in its
    }
