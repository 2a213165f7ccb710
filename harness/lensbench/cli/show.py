"""`lensbench show`."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from lensbench.api.entry import KINDS
from lensbench.cli.completion import ANY
from lensbench.cli.options import json_option
from lensbench.errors import UsageError, nearest
from lensbench.registry import load_catalogue
from lensbench.registry.options import option_type, options_class


@click.command("show")
@click.argument("name", type=ANY)
@json_option
def command(name: str, as_json: bool) -> None:
    """Show a plugin or condition: its options with their defaults, licence and citation.

    \b
    Example:
      lensbench show mae-vit
    """
    catalogue = load_catalogue()
    found = [item for (_, name_of), item in catalogue.entries.items() if name_of == name]
    if not found:
        known = {known_name for _, known_name in catalogue.entries}
        raise UsageError(f"nothing is called {name!r}", nearest(name, known))
    shown = []
    for item in sorted(found, key=lambda one: KINDS.index(one.kind)):
        facts: dict[str, Any] = {"kind": item.kind, **dataclasses.asdict(item.entry)}
        facts |= {"package": item.package, "version": item.version}
        plugin = catalogue.load(item)
        if dataclasses.is_dataclass(plugin) and not isinstance(plugin, type):
            facts["values"] = dataclasses.asdict(plugin)
        if item.kind == "dataset":
            facts["version"] = f"{item.version} (scenes: {plugin.version})"
            for source in plugin.sources:
                urls = " ".join(source.urls)
                facts[f"file {source.file}"] = f"{urls} SHA-256 {source.sha256}"
        options = options_class(plugin)
        if options:
            facts["options"] = {
                field.name: {
                    "type": option_type(field),
                    "default": None if field.default is dataclasses.MISSING else field.default,
                    "required": field.default is dataclasses.MISSING,
                }
                for field in dataclasses.fields(options)
            }
        shown.append({key: value for key, value in facts.items() if value not in ("", (), False)})
    if as_json:
        click.echo(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    for facts in shown:
        for key, value in facts.items():
            if isinstance(value, dict):
                click.echo(f"{key}:")
                for inner, option in value.items():
                    click.echo(f"  {inner}: {_text(option)}")
            else:
                click.echo(f"{key}: {', '.join(value) if isinstance(value, tuple) else value}")


def _text(value: Any) -> Any:
    """An option as its type and default, a tuple as its members, and bands as their names."""
    if isinstance(value, dict):
        return f"{value['type']}, {'required' if value['required'] else value['default']}"
    if isinstance(value, tuple):
        names = (one["name"] if isinstance(one, dict) else str(one) for one in value)
        return ", ".join(names)
    return value
