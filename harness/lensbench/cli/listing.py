"""`lensbench list`."""

from __future__ import annotations

import json

import click

from lensbench.api.entry import KINDS
from lensbench.cli.options import json_option
from lensbench.registry import load_catalogue


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), required=False, metavar="[KIND]")
@json_option
def command(kind: str | None, as_json: bool) -> None:
    """List plugins and conditions, with a summary, package and version of each.

    \b
    Examples:
      lensbench list
      lensbench list encoder --json
    """
    catalogue = load_catalogue()
    kinds = [one for one in KINDS if kind in (None, one)]
    found = {one: catalogue.of_kind(one) for one in kinds}
    if as_json:
        rows = [
            {
                "kind": item.kind,
                "name": item.entry.name,
                "summary": item.entry.summary,
                "package": item.package,
                "version": item.version,
                "licence": item.entry.licence,
                "citation": item.entry.citation,
            }
            for items in found.values()
            for item in items
        ]
        broken = [vars(one) for one in catalogue.broken]
        outdated = [vars(one) for one in catalogue.outdated]
        told = {"plugins": rows, "broken": broken, "outdated": outdated}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
        return
    width = max((len(item.entry.name) for items in found.values() for item in items), default=0)
    for one, items in found.items():
        click.echo(f"{one}:")
        for item in items:
            origin = f"({item.package} {item.version})"
            click.echo(f"  {item.entry.name:<{width}}  {item.entry.summary} {origin}")
    for plugin in catalogue.broken:
        click.echo(f"broken: {plugin.name} of package {plugin.package}: {plugin.error}")
    for old in catalogue.outdated:
        click.echo(f"outdated: {old.name} of package {old.package}: {old.changes}")
