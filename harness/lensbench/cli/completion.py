"""Types of options that name plugins: a shell completes them, with their summaries."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from lensbench.api.entry import Kind


class PluginName(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """The name of a plugin, with or without its options, as it is typed.

    Args:
        kinds: Kinds of the plugins that are offered; all where none is given.
        several: Whether names may follow one another with commas between; the last is completed.
    """

    name = "plugin"

    def __init__(self, *kinds: Kind, several: bool = False) -> None:
        self._kinds, self.several = kinds, several

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Plugins whose names begin as typed, sorted by name."""
        from lensbench.registry import load_catalogue

        before, comma, begun = incomplete.rpartition(",") if self.several else ("", "", incomplete)
        found = {
            name: item.entry.summary
            for (kind, name), item in load_catalogue().entries.items()
            if name.startswith(begun) and (not self._kinds or kind in self._kinds)
        }
        return [
            CompletionItem(before + comma + name, help=summary)
            for name, summary in sorted(found.items())
        ]


ANY = PluginName()
BASELINE = PluginName("baseline")
CONDITION = PluginName("condition")
CONDITIONS = PluginName("condition", several=True)
DATASET = PluginName("dataset")
ENCODER = PluginName("encoder")
PRETRAINING = PluginName("pretraining")
TASK = PluginName("task")
TRANSFER = PluginName("transfer")
