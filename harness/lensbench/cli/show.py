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
                    text = (
                        f"{option['type']}, "
                        + ("required" if option["required"] else str(option["default"]))
                        if isinstance(option, dict)
                        else option
                    )
                    click.echo(f"  {inner}: {text}")
            else:
                click.echo(f"{key}: {', '.join(value) if isinstance(value, tuple) else value}")
