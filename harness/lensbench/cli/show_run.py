"""`lensbench show-run`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.options import store_option, store_root


@click.command("show-run")
@click.argument("run", default="")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default="the current folder",
    metavar="FOLDER",
    help="Folder to write the pictures to.",
)
@click.option(
    "--scenes",
    type=click.IntRange(1, 200),
    default=6,
    show_default=True,
    help="Number of test scenes to draw, from the worst to the best.",
)
@store_option
def command(run: str, out: Path, scenes: int, store: str | None) -> None:
    """Draw the predictions of RUN, one PNG for each table and test condition.

    RUN is the last run by default. Of several seeds the first is drawn.

    The picture depends on the task. Skies: input, predictions, truth and residuals. Classes:
    confusion matrix and ROC curve. Numbers: predicted against true values, with their errors.
    Anomalies: scores by class and ROC curve.

    \b
    Example:
      lensbench show-run --out pictures
    """
    from lensbench.cli.task_classes import class_of
    from lensbench.leaderboard.gallery import draw_run
    from lensbench.store import open_store

    for path in draw_run(open_store(store_root(store)), run, out, scenes, class_of):
        click.echo(path)
