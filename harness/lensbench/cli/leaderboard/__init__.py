"""`lensbench leaderboard`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.leaderboard"
VERBS: dict[str, tuple[str, str]] = {
    "build": (
        f"{_HERE}.build",
        "Build a web page of results, as one HTML file that works offline.",
    ),
    "serve": (f"{_HERE}.serve", "Serve the web page of results, and update it while a sweep runs."),
    "show": (f"{_HERE}.show", "Show tables of results: filter, sort or pivot them."),
    "export": (f"{_HERE}.export", "Write all tables of results to files."),
    "compare": (
        f"{_HERE}.compare",
        "Compare two runs, boards or entrants, with significance tests.",
    ),
    "cite": (f"{_HERE}.cite", "Print the citations of all plugins and datasets of a result."),
    "publish": (f"{_HERE}.publish", "Publish a run as a leaderboard that others can verify."),
    "submit": (f"{_HERE}.submit", "Pack the results of one entrant, to add them to a board."),
    "merge": (f"{_HERE}.merge", "Add the results of one entrant to a board."),
    "limits": (f"{_HERE}.limits", "Give a board the limits of information of a store."),
    "withdraw": (f"{_HERE}.withdraw", "Mark a board as withdrawn, with the reason."),
    "convert": (f"{_HERE}.convert", "Convert a board of an earlier file format."),
    "verify": (f"{_HERE}.verify", "Verify a board: its files, its scores, and repeated runs."),
}


@click.command("leaderboard", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Compare, publish and verify results.

    A run is what `lensbench run` or `lensbench sweep` computed. A board is a published run: a
    folder or tar file with records, predictions and a manifest. Where a command takes RUN, the
    first digits of the key of a run in the store are enough.

    \b
    Examples:
      lensbench leaderboard show
      lensbench leaderboard publish --to board
      lensbench leaderboard verify board
    """
