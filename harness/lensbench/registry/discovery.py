"""Finds installed plugins through pluggy, from one entry point group."""

from __future__ import annotations

import functools
import importlib.metadata
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pluggy

from lensbench.api import hookspecs
from lensbench.api.condition import Condition
from lensbench.api.entry import KINDS, Entry, Kind
from lensbench.compatibility import API_VERSION, changes_since
from lensbench.errors import PluginError
from lensbench.registry.catalogue import BrokenPlugin, Catalogue, OutdatedPlugin, RegisteredPlugin
from lensbench.registry.importing import disabled, guarded

GROUP = "lensbench"
HOOKS: Mapping[Kind, str] = {
    kind: f"lensbench_{kind if kind == 'pretraining' else kind + 's'}" for kind in KINDS
}


def load_catalogue() -> Catalogue:
    """The catalogue of what is installed where this process imports from, found once."""
    return _load_catalogue(tuple(sys.path))


def condition_of(name: str) -> Condition:
    """The condition of this name, with its options where it has some.

    Raises:
        UsageError: Where there is none.
    """
    condition: Condition = load_catalogue().build("condition", name)
    return condition


def encoder_of(name: str, channels: int = 1) -> Any:
    """The encoder of this name, with its options, for use outside of lensbench.

    It is a `torch.nn.Module` from stretched images (B, C, H, W) to features, with random weights
    where its options name none.

    Raises:
        UsageError: Where there is none.
        OptionError: Where an option is unknown or not allowed.
    """
    return load_catalogue().build("encoder", name, channels=channels)


@functools.lru_cache(maxsize=1)
def _load_catalogue(places: tuple[str, ...]) -> Catalogue:
    return collect(importlib.metadata.entry_points(group=GROUP))


def collect(points: Iterable[importlib.metadata.EntryPoint]) -> Catalogue:
    """A catalogue of these entry points: lensbench's own first, then by package and name.

    An entry point whose code raises is listed as broken, and the others are used. A name that is
    taken stays with the package that came first; the other plugin is reached as `package/name`.
    """
    catalogue, skipped = Catalogue(), disabled()
    for package, point in sorted(
        ((package_of(point), point) for point in points),
        key=lambda pair: (pair[0] != "lensbench", pair[0], pair[1].name),
    ):
        if skipped & {package, point.name}:
            continue
        try:
            with guarded(package):
                module = point.load()
                changes = changes_since(getattr(module, "lensbench_api", API_VERSION))
                entries = _entries(point.name, module)
        except PluginError as error:
            catalogue.broken.append(BrokenPlugin(point.name, package, error.message))
            continue
        if changes:
            catalogue.outdated.append(OutdatedPlugin(point.name, package, changes))
        version = point.dist.version if point.dist else ""
        for kind, entry in entries:
            _register(catalogue, RegisteredPlugin(kind, entry, package, version))
    return catalogue


def package_of(point: importlib.metadata.EntryPoint) -> str:
    """Name of the package of an entry point."""
    return point.dist.name if point.dist else point.value


def _register(catalogue: Catalogue, item: RegisteredPlugin) -> None:
    name, long_name = item.entry.name, f"{item.package}/{item.entry.name}"
    taken = catalogue.entries.get((item.kind, name))
    if taken is None:
        catalogue.entries[item.kind, name] = item
        return
    error = f"{item.kind} {name!r} is registered already by {taken.package}"
    if item.package != taken.package and (item.kind, long_name) not in catalogue.entries:
        renamed = replace(item, entry=replace(item.entry, name=long_name))
        catalogue.entries[item.kind, long_name] = renamed
        error += f"; this one is {long_name}"
    catalogue.broken.append(BrokenPlugin(name, item.package, error))


def _entries(name: str, module: Any) -> list[tuple[Kind, Entry]]:
    """What the module of one entry point registers, checked by a plugin manager of its own."""
    manager = pluggy.PluginManager("lensbench")
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=name)
    manager.check_pending()
    found: list[tuple[Kind, Entry]] = []
    for kind, hook in HOOKS.items():
        for entries in getattr(manager.hook, hook)():
            for entry in entries:
                if not isinstance(entry, Entry):
                    raise PluginError(f"hook {hook} returned {entry!r}, expected an Entry")
                if "/" in entry.name:
                    raise PluginError(f"Entry name {entry.name!r} has a slash")
                found.append((kind, entry))
    return found
