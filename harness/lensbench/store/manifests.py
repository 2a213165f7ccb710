"""Manifests of code: which modules and functions a digest is of, kept once for each digest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lensbench.store.artefacts import Store
from lensbench.store.closure import Closure

KIND = "code"
"""Of the artefact; its key is the `source` that descriptions name."""


def keep_manifest(store: Store, closure: Closure) -> None:
    """Writes the digests of all functions of a closure, by module."""
    parts = {name: dict(module.parts) for name, module in closure.modules.items()}
    parts |= {name: {version: ""} for name, version in closure.packages.items()}
    with store.writing(KIND, closure.code["source"], ".manifest", closure.description) as path:
        path.write_text(json.dumps(parts, sort_keys=True))


def manifest_of(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and key of the manifest that a description names, where it does."""
    code = description["from"].get("code")
    if isinstance(code, Mapping) and code.get("source"):
        yield KIND, str(code["source"])


def changed_functions(store: Store, there: str, here: str) -> list[str]:
    """Modules and functions in which two digests differ, as far as the store says what they are of.

    Args:
        store: Where the manifests are.
        there, here: Digests of code.
    """
    before, after = _read(store, there), _read(store, here)
    if before is None or after is None:
        return []
    lines = []
    for module in sorted({*before, *after}):
        old, new = before.get(module), after.get(module)
        if old is None or new is None:
            lines.append(f"{module}: {'only here' if old is None else 'only there'}")
        elif old != new:
            names = [part for part in sorted({*old, *new}) if old.get(part) != new.get(part)]
            lines.append(f"{module}: {', '.join(name or 'top level' for name in names)}")
    return lines


def _read(store: Store, source: str) -> dict[str, dict[str, str]] | None:
    path = store.find(KIND, source)
    return None if path is None else json.loads(path.read_text())
