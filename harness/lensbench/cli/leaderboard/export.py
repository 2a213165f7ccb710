"""`lensbench leaderboard export`."""

from __future__ import annotations

from pathlib import Path

import click

from lensbench.cli.leaderboard.results import open_results, selection_options, write_file
from lensbench.cli.options import store_option


@click.command("export")
@click.argument("results", default="", metavar="[RUN|BOARD|FILE]")
@click.option(
    "--to",
    "target",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder to write to.",
)
@selection_options
@store_option
def command(
    results: str, target: Path, where: tuple[str, ...], metric: str, store: str | None
) -> None:
    """Write all tables of a run, a board or a file of records to a folder.

    table-N.md and table-N.tex are the ranked tables, one for each task; the LaTeX needs the package
    booktabs. contrasts.md and contrasts.tex are the comparisons that a study declares. scores.csv
    and scores.json have all scores, as means over seeds, and records.csv has those of each seed.

    \b
    Example:
      lensbench leaderboard export --to tables --where task=superres
    """
    from lensbench.leaderboard.contrasts import answers, contrast_table, declared
    from lensbench.leaderboard.forms import frame_as
    from lensbench.leaderboard.selection import Selection, filtered, select
    from lensbench.leaderboard.table import study_tables
    from lensbench.store.records import COLUMNS

    source = open_results(results, store)
    wanted = tuple(COLUMNS)
    scores = select(
        source.records, Selection(where, metric or "all", (*wanted, "se", "df", "fits"))
    )
    each = select(source.records, Selection(where, metric or "all", wanted, each_seed=True))
    files: dict[str, str | bytes] = {
        "scores.csv": frame_as(scores, "csv"),
        "scores.json": frame_as(scores, "json"),
        "records.csv": frame_as(each, "csv"),
    }
    every = source.records.collect()
    records = filtered(every.lazy(), where, "all").collect()
    tables = {
        f"table-{number}": table
        for number, table in enumerate(study_tables(records, metric), start=1)
    }
    found = answers(declared(source.study), every, source.scores)
    contrasts = contrast_table(found, records if where else None)
    if contrasts.rows:
        tables["contrasts"] = contrasts
    for name, table in tables.items():
        files[f"{name}.md"] = table.text("markdown") + "\n"
        files[f"{name}.tex"] = table.text("latex") + "\n"
    for name, data in files.items():
        write_file(target / name, data)
        click.echo(target / name)
