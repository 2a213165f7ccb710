"""`lensbench leaderboard compare`."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.leaderboard.results import open_results
from lensbench.cli.options import json_option, store_option

if TYPE_CHECKING:
    from lensbench.leaderboard.changes import Change


@click.command("compare")
@click.argument("before")
@click.argument("after")
@click.option(
    "--in",
    "within",
    metavar="RUN|BOARD|FILE",
    default=None,
    help="Run or board that has both entrants. BEFORE and AFTER are then their names, or parts of "
    "them.",
)
@click.option(
    "--metric",
    default="",
    metavar="NAME",
    help="Metric to compare.  [default: the primary metric of each task]",
)
@click.option(
    "--correction",
    type=click.Choice(["holm", "bh"]),
    default="holm",
    show_default=True,
    help="Correction of p-values for multiple tests: Holm, or Benjamini and Hochberg.",
)
@click.option(
    "--fail-on-regression",
    is_flag=True,
    help="Exit with code 1 if a score is significantly worse, failed or is missing.",
)
@store_option
@json_option
def command(  # noqa: PLR0913  # an option each
    before: str,
    after: str,
    within: str | None,
    metric: str,
    correction: str,
    fail_on_regression: bool,
    store: str | None,
    as_json: bool,
) -> None:
    """Show the change of every score from BEFORE to AFTER: two runs, two boards, or two entrants.

    Each change has its 95 % interval, its corrected p-value, and the smallest change that would
    have been detected with a power of 80 %.

    \b
    Examples:
      lensbench leaderboard compare 3fa3 91bc --fail-on-regression
      lensbench leaderboard compare mae-vit resnet18 --in 3fa3
      lensbench leaderboard compare boards/spring boards/autumn --json
    """
    from lensbench.leaderboard.changes import rows_of
    from lensbench.leaderboard.comparisons import compare_entrants, compare_sources

    if within is not None:
        changes = compare_entrants(open_results(within, store), before, after, metric, correction)
    else:
        sources = [open_results(where, store) for where in (before, after)]
        changes = compare_sources(sources[0], sources[1], metric, correction)
    regressions = sum(change.is_regression for change in changes)
    if as_json:
        click.echo(json.dumps({"regressions": regressions, "changes": list(rows_of(changes))}))
    else:
        text = _text(changes, correction)
        click.echo(text if within is None else f"{text} Before: {before}. After: {after}.")
    sys.exit(1 if regressions and fail_on_regression else 0)


def _text(changes: Sequence[Change], correction: str) -> str:
    from lensbench.leaderboard.changes import power_note
    from lensbench.leaderboard.forms import text_table

    columns = _telling(changes)
    header = [*columns, "before", "after", "change", "p", "detectable", "n", "seeds", "verdict"]
    rows = [_row(change, columns) for change in changes]
    counts = Counter(change.verdict for change in changes)
    note = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    name = {"holm": "Holm", "bh": "Benjamini-Hochberg"}[correction]
    note += f". Change: after minus before, with its 95 % interval; p: corrected ({name})."
    note += " Detectable: the smallest true change that would have been found four times in five."
    if any(change.method == "records" for change in changes):
        note += " ~: from records alone, as if the scenes differed; the interval is too wide."
    if any(change.method == "unpaired" for change in changes):
        note += " *: on different scenes, so unpaired."
    note = f"{note} {power_note(changes)}".strip()
    return text_table(header, rows, "terminal", note=note)


def _telling(changes: Sequence[Change]) -> list[str]:
    """Task, metric, and the other columns of what was computed in which changes differ."""
    names = [name for name in changes[0].where if name != "higher_is_better"]
    values: dict[str, set[Any]] = {name: {one.where[name] for one in changes} for name in names}
    return [name for name in names if len(values[name]) > 1 or name in ("task", "metric")]


def _row(change: Change, columns: Sequence[str]) -> list[str]:
    from lensbench.leaderboard.forms import shown

    facts = [shown(change.where[name], name) for name in columns]
    found = change.difference
    if found is None:
        rest = ["–"] * 5
    else:
        mark = {"paired": "", "records": " ~", "unpaired": " *"}[change.method]
        span = f"{found.value:+.3g} [{found.low:+.3g}, {found.high:+.3g}]{mark}"
        power = f"{change.detectable:.2g}"
        rest = [span, f"{change.p:.2g}", power, str(found.n), str(found.fits)]
    return [*facts, shown(change.before), shown(change.after), *rest, change.verdict]
