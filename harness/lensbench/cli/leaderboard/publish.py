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
    help="Folder or tar file to write, or dataset of the Hugging Face hub.",
)
@click.option(
    "--with-weights",
    is_flag=True,
    help="Include the weights of encoders and fits, so that others can test them on fresh scenes.",
)
@click.option(
    "--weights-below",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MB",
    help="With --with-weights: include only files smaller than this. Rows whose weights are left "
    "out cannot be tested on fresh scenes.",
)
@click.option(
    "--predictions-below",
    type=click.FloatRange(min=0),
    metavar="MB",
    help="Include only files of predictions smaller than this. The board has the SHA-256 of the "
    "others, so that they can be kept elsewhere. Their rows cannot be scored again until the files "
    "are in the board's folder.",
)
@click.option(
    "--mirror",
    "mirrors",
    multiple=True,
    metavar="URL",
    help="Where the predictions are that were left out: a folder at https:// or hf://. Can be "
    "given more than once.",
)
@click.option(
    "--primary-scores",
    is_flag=True,
    help="Include the scores of single scenes for the primary metric of each task only. The board "
    "is smaller; the other scores can be computed from the predictions.",
)
@click.option(
    "--reading",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Markdown file with your conclusions, which the board's README shows.",
)
@click.option(
    "--licence",
    default="CC-BY-4.0",
    show_default=True,
    metavar="SPDX",
    help="Licence of the board.",
)
@click.option("--replace", is_flag=True, help="Replace a board that exists.")
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
    """Publish a run as a board: a folder with records, predictions, digests, licence and citations.

    RUN is the key of a run or its first digits. STUDY is a study file whose sweep is finished. The
    default is the last run. A board has no user names, host names or paths; a run whose options
    contain a path is refused.

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
            f"Left out: {len(elsewhere)} files of predictions, "
            f"{sum(file.size for file in elsewhere) / 1e6:.2f} MB"
        )
    click.echo(f"Verify it: lensbench leaderboard verify {target}")
