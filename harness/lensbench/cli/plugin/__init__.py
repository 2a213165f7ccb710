"""`lensbench plugin`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.plugin"
VERBS: dict[str, tuple[str, str]] = {
    "new": (f"{_HERE}.new", "Write the project of a new plugin."),
    "check": (f"{_HERE}.check", "Check that plugins keep their contracts."),
}


@click.command("plugin", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Write and check plugins."""
