"""`lensbench leaderboard show`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lensbench.cli.leaderboard.results import open_results, selection_options, write_file
from lensbench.cli.options import split_references, store_option
from lensbench.errors import UsageError

if TYPE_CHECKING:
    from lensbench.leaderboard.selection import Selection
    from lensbench.leaderboard.source import Source

_TEXT = ("terminal", "markdown", "latex")
_WITHDRAWN = {
    "terminal": "withdrawn: {}",
    "markdown": "**Withdrawn:** {}",
    "latex": "% withdrawn: {}",
}


@click.command("show")
@click.argument("results", default="", metavar="[RUN|BOARD|FILE]")
@selection_options
@click.option("--columns", default="", metavar="A,B", help="A flat table of these columns.")
@click.option(
    "--sort", default="", metavar="A,-B", help="Columns to sort by; a minus reverses the order."
)
@click.option("--pivot", default="", metavar="COLUMN", help="Its values become columns.")
@click.option(
    "--rows",
    default="entrant",
    show_default=True,
    metavar="A,B",
    help="With --pivot: columns that name a row.",
)
@click.option(
    "--value",
    default="value",
    show_default=True,
    metavar="COLUMN",
    help="With --pivot: what to show.",
)
@click.option("--limit", type=click.IntRange(0), default=0, help="Rows at most.  [default: all]")
@click.option("--each-seed", is_flag=True, help="One row per seed instead of means over seeds.")
@click.option(
    "--format",
    "form",
    default="terminal",
    show_default=True,
    type=click.Choice([*_TEXT, "csv", "json", "parquet"]),
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="[default: stdout]")
@store_option
def command(  # noqa: PLR0913  # an option each
    results: str,
    where: tuple[str, ...],
    metric: str,
    columns: str,
    sort: str,
    pivot: str,
    rows: str,
    value: str,
    limit: int,
    each_seed: bool,
    form: str,
    as_json: bool,
    out: Path | None,
    store: str | None,
) -> None:
    """Show tables of a run, a board or a file of records; the last run where none is named.

    The default is ranked tables: one row per entrant, one column per test condition. The
    contrasts that a study declares follow them. With --columns, --sort, --pivot or --each-seed, and
    in csv, json and parquet, it is one table of any columns. Rows of a board state the trust that
    they have earned: in column `trust`, or `tier` of flat tables; a withdrawn board says so.

    \b
    Examples:
      lensbench leaderboard show
      lensbench leaderboard show boards/spring --where task=superres --format latex
      lensbench leaderboard show --columns entrant,test_condition,value,seconds_fit --sort -value
      lensbench leaderboard show --pivot labels --where test_condition=euclid-vis
    """
    from lensbench.leaderboard.board.layout import MANIFEST
    from lensbench.leaderboard.board.manifest import read_manifest
    from lensbench.leaderboard.selection import Selection

    form = "json" if as_json else form
    chosen = Selection(
        where,
        metric,
        split_references(columns),
        split_references(sort),
        pivot,
        split_references(rows),
        value,
        limit,
        each_seed,
    )
    source = open_results(results, store)
    withdrawn = ""
    if source.folder and (source.folder / MANIFEST).is_file():
        withdrawn = str(read_manifest(source.folder).withdrawn or "")
    if withdrawn:
        click.echo(f"withdrawn: {withdrawn}", err=True)
    flat = columns or sort or pivot or each_seed or limit or form not in _TEXT
    shown = _flat if flat else _ranked
    data = shown(source, chosen, form, withdrawn)
    if out is not None:
        write_file(out, data)
    elif isinstance(data, bytes):
        if sys.stdout.isatty():
            raise UsageError("Parquet is not for a terminal", "name a file with --out")
        sys.stdout.buffer.write(data)
    else:
        click.echo(data, nl=not data.endswith("\n"))


def _ranked(source: Source, chosen: Selection, form: str, withdrawn: str) -> str:
    from lensbench.leaderboard.contrasts import answers, contrast_table, declared
    from lensbench.leaderboard.forms import markdown, printable
    from lensbench.leaderboard.selection import filtered
    from lensbench.leaderboard.table import study_tables

    records = filtered(source.records, chosen.where, "all").collect()
    if records.is_empty():
        raise UsageError("no record is left", "take out a --where")
    names = [chosen.metric]
    if chosen.metric == "all":
        names = records["metric"].unique(maintain_order=True).to_list()
    tables = [table for one in names for table in study_tables(records, one, source.tiers)]
    declared_here = declared(source.study)
    if declared_here:
        tables.append(contrast_table(answers(declared_here, records, source.scores)))
    escaped = (markdown if form == "markdown" else printable)(withdrawn)
    head = [_WITHDRAWN[form].format(escaped)] if withdrawn else []
    return "\n\n".join([*head, *(table.text(form) for table in tables)])


def _flat(source: Source, chosen: Selection, form: str, withdrawn: str) -> str | bytes:
    import polars as pl

    from lensbench.leaderboard.forms import frame_as
    from lensbench.leaderboard.selection import select

    frame = select(source.records, chosen, source.tiers)
    if withdrawn:
        frame = frame.with_columns(pl.lit(withdrawn).alias("withdrawn"))
    return frame_as(frame, form)
