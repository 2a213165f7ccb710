"""`lensbench leaderboard convert`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("convert")
@click.argument("board", type=click.Path(path_type=Path, file_okay=False))
def command(board: Path) -> None:
    """Convert a board of format 1 or 2, with a file for each prediction, to the present format.

    Every file has to be what the old manifest says. What was verified stays verified.

    \b
    Example:
      lensbench leaderboard convert board
    """
    from lensbench.leaderboard.board.conversion import convert

    names = (path.relative_to(board) for path in board.rglob("*") if path.is_file())
    before = sum(not name.parts[0].startswith(".") for name in names)
    converted = convert(board)
    files = converted.manifest.files
    size = sum(file.size for file in files.values())
    click.echo(f"{board}: {len(files) + 1} files for {before}, {size / 1e6:.2f} MB")
    click.echo(f"Check it: lensbench leaderboard verify {board}")
