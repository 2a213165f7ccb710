"""`lensbench leaderboard show`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lensbench.cli.leaderboard.evidence import reading_store
from lensbench.cli.leaderboard.results import open_results, selection_options, write_file
from lensbench.cli.options import split_references, store_option, store_root, terminal_width
from lensbench.errors import LensbenchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from lensbench.leaderboard.selection import Selection
    from lensbench.leaderboard.source import Source
    from lensbench.leaderboard.standings import Limits, Row
    from lensbench.leaderboard.table import Table

_TEXT = ("terminal", "markdown", "latex")
_WITHDRAWN = {
    "terminal": "withdrawn: {}",
    "markdown": "**Withdrawn:** {}",
    "latex": "% withdrawn: {}",
}


@click.command("show")
@click.argument("results", default="", metavar="[RUN|BOARD|FILE]")
@selection_options
@click.option("--columns", default="", metavar="A,B", help="Show one table of these columns.")
@click.option(
    "--sort", default="", metavar="A,-B", help="Columns to sort by; a minus means descending."
)
@click.option(
    "--pivot", default="", metavar="COLUMN", help="Make one column of each value of COLUMN."
)
@click.option(
    "--rows",
    default="entrant",
    show_default=True,
    metavar="A,B",
    help="With --pivot: columns that identify a row.",
)
@click.option(
    "--value",
    default="value",
    show_default=True,
    metavar="COLUMN",
    help="With --pivot: column whose values are shown.",
)
@click.option(
    "--limit", type=click.IntRange(0), default=0, help="Largest number of rows.  [default: all]"
)
@click.option(
    "--each-seed", is_flag=True, help="Show one row for each seed in place of means over seeds."
)
@click.option(
    "--format",
    "form",
    default="terminal",
    show_default=True,
    type=click.Choice([*_TEXT, "csv", "json", "parquet"]),
    help="Format of the output.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write.  [default: stdout]",
)
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
    """Show tables of a run, a board or a file of records. The default is the last run.

    A ranked table of each task has a row for each entrant and a column for each test condition.
    The comparisons that a study declares (its contrasts) follow. With --columns, --sort, --pivot,
    --limit or --each-seed, or in csv, json or parquet, there is one flat table of records instead.
    In tables of a board, the column `trust` (`tier` in flat tables) says how far each row has been
    verified.

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
    data = (
        _flat(source, chosen, form, withdrawn)
        if flat
        else _ranked(source, chosen, form, withdrawn, store, None if out else terminal_width())
    )
    if out is not None:
        write_file(out, data)
    elif isinstance(data, bytes):
        if sys.stdout.isatty():
            raise UsageError("Parquet cannot be shown on a terminal", "name a file with --out")
        sys.stdout.buffer.write(data)
    else:
        click.echo(data, nl=not data.endswith("\n"))


def _ranked(
    source: Source,
    chosen: Selection,
    form: str,
    withdrawn: str,
    store: str | None,
    width: int | None,
) -> str:
    from lensbench.leaderboard.beneath import literature
    from lensbench.leaderboard.forms import markdown, printable
    from lensbench.leaderboard.selection import filtered, nothing_left
    from lensbench.leaderboard.table import study_tables

    records = filtered(source.records, chosen.where, chosen.metric and "all").collect()
    if records.is_empty():
        raise nothing_left(source.records, chosen.where)
    names = [chosen.metric]
    if chosen.metric == "all":
        names = records["metric"].unique(maintain_order=True).to_list()
    limits = _known_limits(source, store, records)
    published = literature(source.study)
    tables = [
        table
        for one in names
        for table in study_tables(records, one, source.tiers, limits, published)
    ]
    if not tables:
        raise nothing_left(records.lazy(), ())
    tables += _contrasts(source, chosen)
    escaped = (markdown if form == "markdown" else printable)(withdrawn)
    head = [_WITHDRAWN[form].format(escaped)] if withdrawn else []
    return "\n\n".join([*head, *(table.text(form, width) for table in tables)])


def _contrasts(source: Source, chosen: Selection) -> list[Table]:
    """The table of the contrasts that the study declares, where some are left to show."""
    from lensbench.leaderboard.contrasts import answers, contrast_table, declared
    from lensbench.leaderboard.selection import filtered

    contrasts = declared(source.study)
    if not contrasts:
        return []
    every = source.records.collect()
    left = filtered(every.lazy(), chosen.where, "all").collect() if chosen.where else None
    table = contrast_table(answers(contrasts, every, source.scores), left)
    return [table] if table.rows else []


def _known_limits(
    source: Source, store: str | None, records: pl.DataFrame
) -> Callable[[Row], Limits] | None:
    """Limits that a board states, else those that the store has; `None` without either."""
    from lensbench.cli.table_limits import limit_finder
    from lensbench.leaderboard.board import limits
    from lensbench.registry import load_catalogue

    if source.folder and len(source.limits):
        return limits.limit_finder(source.limits)
    try:
        opened = reading_store(store_root(store))
    except LensbenchError:
        return None
    return limit_finder(opened, load_catalogue(), records)


def _flat(source: Source, chosen: Selection, form: str, withdrawn: str) -> str | bytes:
    import polars as pl

    from lensbench.leaderboard.forms import frame_as
    from lensbench.leaderboard.selection import select

    frame = select(source.records, chosen, source.tiers)
    if withdrawn:
        frame = frame.with_columns(pl.lit(withdrawn).alias("withdrawn"))
    return frame_as(frame, form)
