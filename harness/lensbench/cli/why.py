"""`lensbench why`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from lensbench.cli.options import json_option, store_option, store_root

if TYPE_CHECKING:
    from lensbench.store import Store


@click.command("why")
@click.argument("key")
@store_option
@json_option
def command(key: str, store: str | None, as_json: bool) -> None:
    """Show what an artefact was made from, and why it had to be computed.

    KEY is the key of any artefact in the store, or the first digits of one. The command looks for
    the stored artefact that is most like it, and lists what differs: those differences are why
    the other one could not be used again. Where the code differs, it names the functions.

    \b
    Example:
      lensbench why 3fa32948
    """
    from lensbench.store import open_store
    from lensbench.store.care import find_artefact, inputs_of, nearest_artefact

    opened = open_store(store_root(store))
    kind, found = find_artefact(opened, key)
    described = opened.describe(kind, found) or {}
    like = nearest_artefact(opened, kind, found)
    changed = _changed_code(opened, like.differs) if like else []
    if as_json:
        facts: dict[str, Any] = {"kind": kind, "key": found, **described}
        facts["nearest"] = (
            {"key": like.key, "differs": like.differs, "code": changed} if like else None
        )
        click.echo(json.dumps(facts, indent=1))
        return
    state = "intact" if opened.intact(kind, found) else "damaged"
    click.echo(f"{kind} {found}: {described['file']}, {state}")
    for name, value in described.get("cost", {}).items():
        click.echo(f"  {name}: {value:.4g}")
    click.echo("made from:")
    for line in _tree({k: v for k, v in described["from"].items() if k != "inputs"}):
        click.echo(line)
    for input_kind, input_key in inputs_of(described):
        made_from = (opened.describe(input_kind, input_key) or {}).get("from")
        words = _words(made_from) if made_from else "no longer in the store"
        click.echo(f"  {input_kind} {input_key}: {words}")
    if like is None:
        click.echo(f"the store has no other {kind} to compare it with")
        return
    click.echo(f"most like {kind} {like.key}, which differs in:")
    for path, (there, here) in like.differs.items():
        click.echo(f"  {path}: {there} → {here}")
    for line in changed:
        click.echo(f"    {line}")


def _changed_code(store: Store, differs: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """Modules and functions that differ, where the code does."""
    from lensbench.store.manifests import changed_functions

    there, here = differs.get("code.source", ("", ""))
    return changed_functions(store, str(there), str(here)) if there and here else []


def _tree(value: Mapping[str, Any], indent: str = "  ") -> Iterator[str]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield f"{indent}{name}:"
            yield from _tree(inner, indent + "  ")
        elif inner not in (None, "", []):
            yield f"{indent}{name}: {inner}"


def _words(description: Mapping[str, Any]) -> str:
    """What tells an input from others, in one line."""
    left_out = ("kind", "code", "inputs", "numerics")
    plain = {
        name: value["name"] if isinstance(value, Mapping) and "name" in value else value
        for name, value in description.items()
        if name not in left_out and value not in (None, "", [])
    }
    return ", ".join(
        f"{name} {value}" for name, value in plain.items() if not isinstance(value, dict | list)
    )
