"""`lensbench leaderboard merge`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("merge")
@click.argument("board", type=click.Path(path_type=Path))
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--replace", is_flag=True, help="Replace the rows that the board has of this entrant."
)
def command(board: Path, bundle: Path, replace: bool) -> None:
    """Add the results of one entrant, which `lensbench leaderboard submit` packed, to a board.

    If anything in the bundle is wrong, nothing is added. An entrant that the board has already is
    refused unless --replace is given. The new rows begin in the tier `reported`, even if the bundle
    says that they were verified.

    \b
    Examples:
      lensbench leaderboard merge board bundle.tar
      lensbench leaderboard merge board bundle.tar --replace
    """
    from lensbench.leaderboard.board.archive import board_folder
    from lensbench.leaderboard.board.contents import open_board
    from lensbench.leaderboard.board.joining import drawn_by_other_code, merge

    opened = open_board(board)
    with board_folder(bundle) as folder:
        new = open_board(folder)
        other = drawn_by_other_code(opened, new)
        joined = merge(opened, new, replace)
    click.echo(
        f"{board}: {len(new.records)} records of {new.records['entrant'][0]} added, "
        f"{joined.records['entrant'].n_unique()} entrants now"
    )
    if other:
        click.echo(
            "Other code drew its test images than those of the board: run rows of both again"
        )
    click.echo(f"Verify it: lensbench leaderboard verify {board}{' --rerun 2' * other}")
