"""`lensbench leaderboard convert`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("convert")
@click.argument("board", type=click.Path(path_type=Path, file_okay=False))
def command(board: Path) -> None:
    """Convert a board of file format 1 or 2 to the present format, which has fewer files.

    A board is refused if a file differs from the SHA-256 in its manifest. Findings of earlier
    verifications are kept.

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
    click.echo(f"{board}: {before} files became {len(files) + 1}, {size / 1e6:.2f} MB")
    click.echo(f"Verify it: lensbench leaderboard verify {board}")
