"""`lensbench leaderboard build`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.leaderboard.evidence import cites_of, evidence_of
from lensbench.cli.options import store_option
from lensbench.errors import UsageError


@click.command("build")
@click.argument("where", metavar="[RUN|BOARD|FILE]", default="")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("index.html"), show_default=True,
    help="The file to write.",
)  # fmt: skip
@store_option
def command(where: str, out: Path, store: str | None) -> None:
    """Build one HTML file that shows a run, a board's folder or a file of records.

    It works from disk and offline, and asks nobody for anything. The last run where none is named.

    \b
    Examples:
      lensbench leaderboard build --out index.html
      lensbench leaderboard build boards/lenses --out boards/lenses/index.html
    """
    from lensbench.leaderboard.page import build

    evidence = evidence_of(where, store)
    text = build(evidence, cites_of(evidence.records))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{str(out)!r} cannot be written: {error}", "name another --out") from None
    click.echo(f"{out}: {len(text.encode()) / 1e6:.1f} MB, {evidence.records.height} records")
