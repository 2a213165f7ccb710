"""`lensbench leaderboard merge`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("merge")
@click.argument("board", type=click.Path(path_type=Path))
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--replace", is_flag=True, help="Put its rows in the place of the entrant's old ones."
)
def command(board: Path, bundle: Path, replace: bool) -> None:
    """Take the rows of one entrant into a board: all of them, or none where one is wrong.

    The entrant has to be new, or be replaced. What a bundle says of its own verification is not
    taken over: its rows begin as reported.

    \b
    Examples:
      lensbench leaderboard merge board bundle.tar
      lensbench leaderboard merge board bundle.tar --replace
    """
    from lensbench.leaderboard.board.archive import board_folder
    from lensbench.leaderboard.board.contents import open_board
    from lensbench.leaderboard.board.joining import merge

    opened = open_board(board)
    with board_folder(bundle) as folder:
        new = open_board(folder)
        joined = merge(opened, new, replace)
    click.echo(
        f"{board}: {len(new.records)} records of {new.records['entrant'][0]} taken in, "
        f"{joined.records['entrant'].n_unique()} entrants now"
    )
    click.echo(f"Check it: lensbench leaderboard verify {board}")
