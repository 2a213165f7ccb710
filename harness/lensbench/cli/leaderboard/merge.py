"""`lensbench leaderboard merge`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("merge")
@click.argument("board", type=click.Path(path_type=Path))
@click.argument("bundle", type=click.Path(path_type=Path))
def command(board: Path, bundle: Path) -> None:
    """Take a bundle into a board: all of it where nothing is wrong with it, else nothing.

    What a bundle says of its own verification is not taken over: its rows begin as reported.

    \b
    Example:
      lensbench leaderboard merge board bundle.tar
    """
    from lensbench.leaderboard.board.archive import board_folder
    from lensbench.leaderboard.board.contents import open_board
    from lensbench.leaderboard.board.joining import merge

    opened = open_board(board)
    with board_folder(bundle) as folder:
        new = open_board(folder)
        joined = merge(opened, new)
    click.echo(
        f"{board}: {len(new.records)} records of {new.records['entrant'].n_unique()} entrants "
        f"taken in, {joined.records['entrant'].n_unique()} entrants now"
    )
    click.echo(f"Check it: lensbench leaderboard verify {board}")
