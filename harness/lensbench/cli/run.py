"""`lensbench run`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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
from lensbench.cli.execution import Execution, execution_options
from lensbench.cli.options import (
    json_option,
    number_option,
    plugin_option,
    quiet_option,
    seed_option,
    split_references,
    store_option,
    store_root,
    terminal_width,
)
from lensbench.errors import UsageError, nearest
from lensbench.study.cell import DATASET as LENSES
from lensbench.study.cell import TRANSFER as FINETUNE

if TYPE_CHECKING:
    from lensbench.registry import Catalogue
    from lensbench.study.spec import Study


def study_of(options: Mapping[str, Any]) -> Study:
    """The study of one entrant, an encoder beside the reference encoders and all baselines.

    Args:
        options: Of the command, by name. Those left out or empty have the default of a study.

    Raises:
        UsageError: Where no entrant is named, or two.
    """
    from lensbench.study.spec import Axes, Pretraining, SeedAxes, Study, Tests

    if bool(options.get("encoder")) == bool(options.get("baseline")):
        raise UsageError("name one --encoder or one --baseline", "lensbench list shows them")
    named: dict[str, tuple[Any, ...]] = {
        key: (options[key],) for key in Axes.model_fields if options.get(key)
    }
    beside = options.get("beside")
    if beside is None:
        beside = "encoder" in named
    if not beside:
        named.setdefault("baseline", ())
    elif "baseline" in named:
        named["baseline"] += ("auto",)
    target, tested = options.get("target_condition"), options.get("test_conditions") or ()
    away = [name for name in tested if name != options.get("train_condition")]
    if target or away:
        named["adapt_condition"] = (target or away[-1],)
    home = options.get("pretraining_dataset")
    seeds = options.get("seed", 0)
    return Study(
        name="run",
        budget=options.get("budget") or BUDGET,
        axes=Axes(**named),
        tests=Tests(dataset=(options.get("test_dataset") or "same",), condition=tested or USUAL),
        pretraining=Pretraining(
            dataset=(home or "same",),
            condition=options.get("pretraining_conditions") or (USUAL if home else ("train",)),
        ),
        seeds=SeedAxes(draw=(seeds,), pretraining=(seeds,), fit=(seeds,)),
        include=()
        if not beside
        else ({"encoder": "reference", "pretraining": "own", "transfer": FINETUNE},),
    )


BUDGET = "minute"
"""Budget of a run that names none: a first look."""

USUAL = ("usual",)
"""In a study: the conditions that a dataset is usually seen under."""


@click.command("run")
@plugin_option("--encoder", ENCODER, "Encoder to evaluate.", metavar="NAME[:OPTION=VALUE,…]")
@plugin_option("--baseline", BASELINE, "Baseline to rank in place of an encoder.", metavar="NAME")
@click.option(
    "--beside/--alone",
    "beside",
    default=None,
    help="Whether the supervised CNN and the task's other baselines run, too.  "
    "[default: beside an --encoder]",
)
@plugin_option("--task", TASK, "Task to rank it on.", required=True)
@plugin_option("--pretraining", PRETRAINING, "Pretraining strategy.  [default: the encoder's own]")
@plugin_option(
    "--transfer",
    TRANSFER,
    "How the encoder is trained for the task.",
    default=FINETUNE,
)
@plugin_option(
    "--dataset",
    DATASET,
    "Dataset to train on, and to test on.",
    default=LENSES,
)
@plugin_option("--test-dataset", DATASET, "Dataset to test on instead, e.g. images:path=FOLDER.")
@plugin_option(
    "--train-condition",
    CONDITION,
    "Condition under which all training images are observed.  "
    "[default: euclid-vis, or the dataset's own]",
)
@plugin_option(
    "--test-conditions",
    CONDITIONS,
    "Further conditions to test under.  [default: the usual four, or the dataset's own]",
)
@plugin_option(
    "--pretraining-dataset",
    DATASET,
    "Dataset to pretrain on instead, e.g. stored:path=FOLDER of unlabelled images.",
)
@plugin_option(
    "--pretraining-conditions",
    CONDITIONS,
    "Conditions to pretrain under.  [default: the training condition]",
)
@plugin_option(
    "--target-condition",
    CONDITION,
    "Condition that a transfer adapts to.  [default: the last to test under]",
)
@number_option("--labels", "Number of labelled scenes to train on.  [default: the budget's]")
@click.option(
    "--budget",
    default=BUDGET,
    show_default=True,
    metavar=f"[{'|'.join(BUDGETS)}]",
    help="Length of training and size of splits.",
)
@seed_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["terminal", "markdown", "latex"]),
    default="terminal",
    show_default=True,
    help="Format of the table.",
)
@click.option(
    "--metric",
    default="",
    metavar="NAME",
    help="Metric to rank by.  [default: the task's primary one]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder for a file with the truth and every entrant's prediction of each test image.",
)
@quiet_option
@execution_options
@store_option
@json_option
def command(  # noqa: PLR0913  # an option each
    store: str | None,
    as_json: bool,
    form: str,
    metric: str,
    quiet: bool,
    out: Path | None,
    execution: Execution,
    **named: Any,
) -> None:
    """Rank an encoder on one task, beside the supervised CNN and the task's baselines.

    A baseline runs alone, or with --beside next to the others.

    \b
    Examples:
      lensbench run --encoder mae-vit --task superres
      lensbench run --encoder mae-vit:patch=4 --task morphology --budget smoke
      lensbench run --baseline lens-model --task regression
      lensbench run --encoder mae-vit --task superres --test-dataset images:path=FOLDER

    What the store holds already is not computed again.
    """
    from lensbench.cells.checks import Checks
    from lensbench.cli.execution import compute, local_executor, make_resolver
    from lensbench.execution.sweeps import Sweep
    from lensbench.store import open_store
    from lensbench.study.expand import expand

    for option in ("test_conditions", "pretraining_conditions"):
        named[option] = split_references(named[option])
    study = study_of(named)
    resolver = make_resolver(execution.threads, execution.device)
    expanded = expand(resolver.catalogue, study, lambda cell: None)
    opened = open_store(store_root(store))
    checks = Checks(resolver.plugins)
    for cell in expanded.cells:
        checks.check(cell)
    cell = expanded.cells[0]
    if not quiet:
        views = (cell.train, *cell.tests)
        for name in dict.fromkeys(view.dataset for view in views):
            for note in resolver.plugins.get("dataset", name).notes:
                click.echo(f"note: {note}", err=True)
    task = resolver.plugins.get("task", cell.task)
    known = [one.name for one in task.metrics]
    if metric and metric not in known:
        raise UsageError(f"task {cell.task!r} has no metric {metric!r}", nearest(metric, known))
    swept = compute(
        Sweep(resolver, opened, expanded.cells, incompatible=expanded.incompatible),
        lambda display: local_executor(resolver, opened, execution.workers, display),
        quiet,
        retry_failed=True,
    )
    if as_json:
        click.echo(swept.records.write_json())
    else:
        from lensbench.cli.table_limits import limit_finder
        from lensbench.leaderboard.table import run_table

        limits = limit_finder(opened, resolver.catalogue, swept.records)
        first = swept.records.row(0, named=True)
        table = run_table(swept.records, metric, limits(first))
        click.echo(table.text(form, terminal_width()))
        for line in populations_of(resolver.catalogue, {first["dataset"], first["test_dataset"]}):
            click.echo(line)
        click.echo(f"Records: {opened.root / 'runs' / (swept.key + '.parquet')}")
        where = f" --store {store}" if store else ""
        click.echo(f"Pictures: lensbench show-run {swept.key}{where}")
    if out is not None:
        from lensbench.inference.results import write_results

        written, _ = write_results(out, resolver, opened, list(expanded.cells))
        click.echo(f"Images: {written}", err=as_json)
    failed = swept.records.filter(swept.records["state"] == "failed")
    for name, error in failed.select("entrant", "error").unique().iter_rows():
        click.echo(f"failed: {name}: {error}", err=True)
    sys.exit(1 if swept.failed else 0)


def populations_of(catalogue: Catalogue, datasets: set[str]) -> list[str]:
    """What datasets draw whose name leaves it open."""
    from lensbench.sky.populations import population_names, population_of

    found = []
    for reference in sorted(one for one in datasets if "population=" not in one):
        drawn = catalogue.build("dataset", reference).population
        names = (name for name in population_names() if drawn and population_of(name) == drawn)
        if name := next(names, ""):
            found.append(f"Scenes of {reference}: population {name}.")
    return found
