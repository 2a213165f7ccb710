"""`lensbench plugin`: one file a verb."""

from __future__ import annotations

import click

from lensbench.cli.lazy import LazyGroup

_HERE = "lensbench.cli.plugin"
VERBS: dict[str, tuple[str, str]] = {
    "new": (f"{_HERE}.new", "Write the project of a new plugin, ready to install."),
    "check": (f"{_HERE}.check", "Check that plugins work as lensbench expects."),
}


@click.command("plugin", cls=LazyGroup, verbs=VERBS)
def command() -> None:
    """Create and check plugins of your own."""
