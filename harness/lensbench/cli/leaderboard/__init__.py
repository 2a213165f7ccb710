"""`lensbench leaderboard`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.leaderboard"
VERBS: dict[str, tuple[str, str]] = {
    "build": (f"{_HERE}.build", "Build one HTML file that shows results, from disk and offline."),
    "serve": (f"{_HERE}.serve", "Serve the page here, fresh while a sweep runs."),
    "show": (f"{_HERE}.show", "Show tables: filtered, sorted, pivoted, in six formats."),
    "export": (f"{_HERE}.export", "Write all tables to files."),
    "compare": (f"{_HERE}.compare", "Tell what changed, and whether it is significant."),
    "cite": (f"{_HERE}.cite", "Say whom to cite, as BibTeX or CITATION.cff."),
    "publish": (f"{_HERE}.publish", "Publish a run as a board."),
    "submit": (f"{_HERE}.submit", "Make a bundle of one entrant's rows."),
    "merge": (f"{_HERE}.merge", "Take a bundle into a board."),
    "withdraw": (f"{_HERE}.withdraw", "Say that a board's results no longer count."),
    "convert": (f"{_HERE}.convert", "Convert a board of an earlier format."),
    "verify": (f"{_HERE}.verify", "Check a board, from its digests to fresh scenes."),
}


@click.command("leaderboard", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Compare, publish and verify results."""
