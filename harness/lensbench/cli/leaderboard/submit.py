"""`lensbench leaderboard submit`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.options import store_option, store_root
from lensbench.errors import UsageError


@click.command("submit")
@click.argument("entrant")
@click.option("--run", default="", metavar="RUN|STUDY", help="Of which run.  [default: the last]")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.tar",
    help="The bundle to write.",
)
@click.option(
    "--without-weights",
    is_flag=True,
    help="Leave weights out; the rows can then never become fresh.",
)
@click.option(
    "--licence",
    default="CC-BY-4.0",
    show_default=True,
    metavar="SPDX",
    help="Of what is submitted; the board's own.",
)
@store_option
def command(
    entrant: str, run: str, out: Path, without_weights: bool, licence: str, store: str | None
) -> None:
    """Make a bundle of one entrant's rows, to be merged into a board.

    ENTRANT is an encoder, a baseline, or the whole label of a row.

    \b
    Example:
      lensbench leaderboard submit resnet18:width=8 --out bundle.tar
    """
    from lensbench.cli.leaderboard.runs import run_contents
    from lensbench.leaderboard.board.destinations import publish_to
    from lensbench.leaderboard.board.joining import one_entrant

    if out.suffix != ".tar":
        raise UsageError(f"--out {str(out)!r} is no tar", "name it FILE.tar")
    contents = run_contents(store_root(store), run, licence, 0 if without_weights else float("inf"))
    board = publish_to(one_entrant(contents, entrant), str(out), replace=True)
    click.echo(f"{out}: {len(board.records)} records of {board.records['entrant'][0]}")
    click.echo(f"Take it in: lensbench leaderboard merge BOARD {out}")
