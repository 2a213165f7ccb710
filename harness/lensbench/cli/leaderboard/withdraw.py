"""`lensbench leaderboard withdraw`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("withdraw")
@click.argument("board", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--reason", required=True, metavar="TEXT", help="Why the results no longer count, in one line."
)
@click.option("--successor", default="", metavar="BOARD|URL", help="Board that replaces this one.")
def command(board: Path, reason: str, successor: str) -> None:
    """Mark a board as withdrawn: it stays readable, but its results no longer count.

    The board's README and web page, and the commands `show` and `verify`, then state the reason and
    the successor. A second call replaces both.

    \b
    Example:
      lensbench leaderboard withdraw board --reason "a label was corrected" --successor board-2
    """
    from lensbench.errors import UsageError
    from lensbench.leaderboard.board.contents import open_board
    from lensbench.leaderboard.board.manifest import Withdrawal, parse_withdrawn
    from lensbench.leaderboard.board.withdrawal import withdraw

    if not reason.strip():
        raise UsageError("--reason is empty", "say in one line why the results no longer count")
    withdrawn: Withdrawal = parse_withdrawn(reason.strip(), successor.strip())
    withdraw(open_board(board), withdrawn)
    click.echo(f"{board}: withdrawn: {withdrawn}")
