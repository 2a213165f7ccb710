"""`lensbench leaderboard publish`."""

from __future__ import annotations

import click

from lensbench.cli.options import store_option, store_root


@click.command("publish")
@click.argument("run", default="", metavar="[RUN|STUDY]")
@click.option(
    "--to",
    "target",
    required=True,
    metavar="FOLDER|FILE.tar|hf://datasets/OWNER/NAME",
    help="Where to put it; a git checkout is a folder.",
)
@click.option(
    "--with-weights",
    is_flag=True,
    help="Encoders and fits too, so that they can be tried on fresh scenes.",
)
@click.option(
    "--weights-below",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MB",
    help="With --with-weights: files of less alone. The other rows stay as they are, but "
    "cannot be tried on fresh scenes.",
)
@click.option(
    "--predictions-below",
    type=click.FloatRange(min=0),
    metavar="MB",
    help="Files of less alone. Of larger ones the board keeps the SHA-256, so that they "
    "can lie elsewhere: until they are put into its folder, their rows can be run "
    "again but not scored again.",
)
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="URL",
    help="A folder that has the predictions left out, https:// or hf://; may be repeated.",
)
@click.option(
    "--primary-scores",
    is_flag=True,
    help="Scores by scene of each task's primary metric alone: a smaller board; "
    "the others follow from the predictions.",
)
@click.option(
    "--reading",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="What you read from it, in Markdown, for its README too.",
)
@click.option(
    "--licence", default="CC-BY-4.0", show_default=True, metavar="SPDX", help="Of the board."
)
@click.option("--replace", is_flag=True, help="Put it in the place of a board that is there.")
@store_option
def command(  # noqa: PLR0913  # an option each
    run: str,
    target: str,
    with_weights: bool,
    weights_below: float | None,
    predictions_below: float | None,
    mirrors: tuple[str, ...],
    primary_scores: bool,
    reading: str | None,
    licence: str,
    replace: bool,
    store: str | None,
) -> None:
    """Publish a run as a board: records, predictions, digests, licence and citations.

    RUN is the beginning of a run's key, STUDY a file whose sweep is done; the last run where
    neither is named. Nothing tells whose machine it was: a path in an option is refused.

    \b
    Examples:
      lensbench leaderboard publish --to board
      lensbench leaderboard publish studies/smoke.toml --to board.tar --with-weights
    """
    import tempfile
    from dataclasses import replace as replace_in
    from pathlib import Path

    from lensbench.cli.leaderboard.runs import predictions_elsewhere, primary_alone, run_contents
    from lensbench.leaderboard.board.destinations import publish_to
    from lensbench.leaderboard.board.layout import READING

    most = float("inf") if weights_below is None else 1e6 * weights_below
    contents = run_contents(store_root(store), run, licence, most if with_weights else 0)
    if predictions_below is not None:
        contents = predictions_elsewhere(contents, 1e6 * predictions_below)
    contents = replace_in(contents, mirrors=mirrors)
    if reading:
        contents = replace_in(contents, files={**contents.files, READING: Path(reading)})
    with tempfile.TemporaryDirectory() as scratch:
        if primary_scores:
            contents = primary_alone(contents, Path(scratch))
        board = publish_to(contents, target, replace)
    files = board.manifest.files
    size = sum(file.size for file in files.values())
    click.echo(
        f"{target}: {board.records['entrant'].n_unique()} entrants, {len(board.records)} records, "
        f"{len(files)} files, {size / 1e6:.2f} MB"
    )
    elsewhere = board.manifest.elsewhere.values()
    if elsewhere:
        click.echo(
            f"Not in it: {len(elsewhere)} files of predictions, "
            f"{sum(file.size for file in elsewhere) / 1e6:.2f} MB"
        )
    click.echo(f"Check it: lensbench leaderboard verify {target}")
