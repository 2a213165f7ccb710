"""`lensbench leaderboard build`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.leaderboard.evidence import credited_by, drawing, evidence_of
from lensbench.cli.options import store_option
from lensbench.errors import UsageError


@click.command("build")
@click.argument("where", metavar="[RUN|BOARD|FILE]", default="")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write.  [default: index.html, in the folder of the board if there is one]",
)
@store_option
def command(where: str, out: Path | None, store: str | None) -> None:
    """Build a web page of a run, a board or a file of records. The default is the last run.

    The page is one HTML file that works offline. Verification of a board ignores the page in the
    board's folder. The page has a gallery of scenes. Images that the store lacks are drawn again
    for a board; this takes some seconds, and the plugins of its datasets have to be installed.

    \b
    Examples:
      lensbench leaderboard build --out index.html
      lensbench leaderboard build boards/lenses
    """
    from lensbench.leaderboard.board.layout import MANIFEST, PAGE
    from lensbench.leaderboard.page import build

    evidence = evidence_of(where, store)
    with drawing(evidence) as complete:
        text = build(complete, credited_by(evidence))
    board = Path(where) if where and (Path(where) / MANIFEST).is_file() else None
    target = out or (board or Path()) / PAGE
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{str(target)!r} cannot be written: {error}", "name another --out"
        ) from None
    size = len(text.encode()) / 1e6
    click.echo(f"{target}: {size:.1f} MB, {evidence.records.height} records")
