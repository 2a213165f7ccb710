"""`lensbench leaderboard cite`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lensbench.cli.leaderboard.results import open_results, write_file
from lensbench.cli.options import json_option, store_option
from lensbench.errors import UsageError

if TYPE_CHECKING:
    from lensbench.leaderboard.board.documents import Credit
    from lensbench.leaderboard.source import Source


@click.command("cite")
@click.argument("results", default="", metavar="[RUN|BOARD|FILE]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["bibtex", "cff"]),
    default="bibtex",
    show_default=True,
    help="Format of the citations.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write.  [default: stdout]",
)
@store_option
@json_option
def command(results: str, form: str, out: Path | None, store: str | None, as_json: bool) -> None:
    """Print the citations of all plugins and datasets that a run or a board used, with versions.

    For a board they are in its citations.json; for a run, the installed plugins give them.

    \b
    Examples:
      lensbench leaderboard cite > lensbench.bib
      lensbench leaderboard cite boards/spring --format cff --out CITATION.cff
    """
    from lensbench.leaderboard.board.documents import read_citations
    from lensbench.leaderboard.board.layout import CITATIONS
    from lensbench.leaderboard.citations import bibtex, citation_cff

    source = open_results(results, store)
    published = bool(results) and (Path(results) / CITATIONS).is_file()
    credited = read_citations(Path(results)) if published else _installed(source)
    if as_json:
        from lensbench.leaderboard.citations import works_of

        data = json.dumps([vars(work) for work in works_of(credited)])
    else:
        data = (bibtex if form == "bibtex" else citation_cff)(source.name, credited)
    if out is not None:
        write_file(out, data)
    else:
        click.echo(data, nl=not data.endswith("\n"))


def _installed(source: Source) -> list[Credit]:
    """What the installed plugins say, with the versions of their data."""
    from lensbench.leaderboard.citations import COLUMNS, VIEWS, plugins_of
    from lensbench.registry import load_catalogue
    from lensbench.verification.credits import credits_of

    columns = [*(column for _, names in COLUMNS for column in names), *VIEWS]
    records = source.records.select(columns).unique().collect()
    catalogue = load_catalogue()
    credited = credits_of(catalogue, records)
    known = {(credit.kind, credit.name) for credit in credited}
    for kind, name in plugins_of(records):
        if (kind, name) not in known:
            raise UsageError(
                f"{kind} {name!r} is not installed, so its citation is not known",
                "install its package, or cite a board, which has the citations in its folder",
            )
    return [
        replace(one, data_version=catalogue.type_of("dataset", one.name).version)
        if one.kind == "dataset"
        else one
        for one in credited
    ]
