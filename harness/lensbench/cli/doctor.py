"""`lensbench doctor`."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from pathlib import Path
from typing import Any

import click

from lensbench.cli.options import json_option, store_option, store_root
from lensbench.errors import LensbenchError
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.store.kinds import MADE_ONCE

PACKAGES = ("lensbench", "torch", "torchmetrics", "pluggy", "polars", "h5py", "datasets", "numpy")
KINDS_STORED = (*MADE_ONCE, "scores", "runs")


@click.command("doctor")
@store_option
@json_option
def command(store: str | None, as_json: bool) -> None:
    """Check versions, devices, plugins and the store. The exit code is 1 if something is broken.

    \b
    Example:
      lensbench doctor
    """
    catalogue = load_catalogue()
    broken = [vars(plugin) for plugin in catalogue.broken]
    for item in catalogue.entries.values():
        try:
            catalogue.load(item)
        except LensbenchError as error:
            broken.append(
                {"name": item.entry.name, "package": item.package, "error": error.message}
            )
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "plugins": len(catalogue.entries),
        "broken": broken,
        "outdated": [vars(plugin) for plugin in catalogue.outdated],
        "store": _store_health(store_root(store)),
        "devices": _devices(),
    }
    healthy = not broken and "error" not in facts["store"]
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    else:
        click.echo(f"python {facts['python']}")
        for name, version in facts["versions"].items():
            click.echo(f"{name} {version}")
        click.echo(f"devices: {', '.join(facts['devices'])}")
        click.echo(f"plugins: {facts['plugins']} usable or found, {len(broken)} broken")
        for plugin in broken:
            click.echo(f"broken: {plugin['name']} of {plugin['package']}: {plugin['error']}")
        for plugin in facts["outdated"]:
            click.echo(f"outdated: {plugin['name']} of {plugin['package']}: {plugin['changes']}")
        for key, value in facts["store"].items():
            click.echo(f"store {key}: {value}")
    sys.exit(0 if healthy else 1)


def _devices() -> list[str]:
    from lensbench.training.devices import device_names

    return device_names()


def _store_health(root: str) -> dict[str, Any]:
    if "://" not in root and not Path(root).exists():
        return {"folder": root, "state": "not made yet"}
    try:
        store = open_store(root)
    except LensbenchError as error:
        return {"folder": root, "error": error.message}
    counts = {kind: len(store.keys(kind)) for kind in KINDS_STORED}
    damaged = [
        f"{kind}/{key}"
        for kind in counts
        for key in store.keys(kind)
        if not store.intact(kind, key)
    ]
    health: dict[str, Any] = {"folder": root, **counts}
    if damaged:
        health["damaged"] = damaged
    return health
