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
    show_default="here",
    metavar="FOLDER",
    help="Where to put the PNGs.",
)
@click.option(
    "--scenes",
    type=click.IntRange(1, 200),
    default=6,
    show_default=True,
    help="Test scenes to draw, from the worst to the best.",
)
@store_option
def command(run: str, out: Path, scenes: int, store: str | None) -> None:
    """Draw pictures of a run, one PNG a test condition; the last run where none is named.

    Skies: input, answers, truth and residuals. Classes: confusion matrix and ROC. Numbers:
    measured against true, with stated errors. Anomalies: scores by class and ROC.

    \b
    Example:
      lensbench show-run --out pictures
    """
    from lensbench.leaderboard.gallery import draw_run
    from lensbench.store import open_store

    for path in draw_run(open_store(store_root(store)), run, out, scenes):
        click.echo(path)
