"""`lensbench leaderboard`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.leaderboard"
VERBS: dict[str, tuple[str, str]] = {}


@click.command("leaderboard", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Compare, publish and verify results."""
