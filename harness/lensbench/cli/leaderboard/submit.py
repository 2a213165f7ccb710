"""`lensbench leaderboard submit`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.options import store_option, store_root
from lensbench.errors import UsageError


@click.command("submit")
@click.argument("entrant")
@click.option(
    "--run", default="", metavar="RUN|STUDY", help="Run with the results.  [default: the last run]"
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.tar",
    help="Tar file to write.",
)
@click.option(
    "--without-weights",
    is_flag=True,
    help="Leave weights out. The rows can then never be tested on fresh scenes.",
)
@click.option(
    "--licence",
    default="CC-BY-4.0",
    show_default=True,
    metavar="SPDX",
    help="Licence of the results; it has to be that of the board.",
)
@store_option
def command(
    entrant: str, run: str, out: Path, without_weights: bool, licence: str, store: str | None
) -> None:
    """Pack the results of one entrant into a bundle, for `lensbench leaderboard merge`.

    ENTRANT is the name of an encoder or a baseline, or the label of a row in a table.

    \b
    Example:
      lensbench leaderboard submit resnet18:width=8 --out bundle.tar
    """
    from lensbench.cli.leaderboard.runs import run_contents
    from lensbench.leaderboard.board.destinations import publish_to
    from lensbench.leaderboard.board.joining import one_entrant
    from lensbench.registry import load_catalogue

    if out.suffix != ".tar":
        raise UsageError(f"--out {str(out)!r} is not the name of a tar file", "name it FILE.tar")
    contents = run_contents(store_root(store), run, licence, 0 if without_weights else float("inf"))
    spelled = load_catalogue().spelled(entrant)
    board = publish_to(one_entrant(contents, spelled), str(out), replace=True)
    click.echo(f"{out}: {len(board.records)} records of {board.records['entrant'][0]}")
    click.echo(f"Add it to a board: lensbench leaderboard merge BOARD {out}")
