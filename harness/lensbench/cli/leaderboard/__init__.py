"""`lensbench leaderboard`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.leaderboard"
VERBS: dict[str, tuple[str, str]] = {
    "build": (f"{_HERE}.build", "Build one HTML file that shows results, from disk and offline."),
    "serve": (f"{_HERE}.serve", "Serve the page here, fresh while a sweep runs."),
}


@click.command("leaderboard", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Compare, publish and verify results."""
