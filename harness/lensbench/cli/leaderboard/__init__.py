"""`lensbench leaderboard`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.leaderboard"
VERBS: dict[str, tuple[str, str]] = {
    "publish": (f"{_HERE}.publish", "Publish a run as a board."),
    "submit": (f"{_HERE}.submit", "Make a bundle of one entrant's rows."),
    "merge": (f"{_HERE}.merge", "Take a bundle into a board."),
    "verify": (f"{_HERE}.verify", "Check a board, from its digests to fresh scenes."),
}


@click.command("leaderboard", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Compare, publish and verify results."""
