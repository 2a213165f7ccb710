"""The catalogue of plugins: by kind and name, each built from `name:options`."""

from __future__ import annotations

import dataclasses
import importlib
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lensbench.api.contracts import CONTRACTS
from lensbench.api.entry import Entry, Kind
from lensbench.errors import PluginError, UsageError, nearest
from lensbench.registry.importing import PluginImportError, import_guarded
from lensbench.registry.options import (
    Reference,
    ViewOptions,
    build_options,
    option_fields,
    parse_reference,
    view_options,
)

VIEW_OPTIONS = tuple(field.name for field in dataclasses.fields(ViewOptions))
_VIEWED = "lensbench.training.viewed:ViewedEncoder"
"""What puts an encoder under these options: by name, as plugins are."""


@dataclass(frozen=True)
class RegisteredPlugin:
    """An entry with the package that it came from."""

    kind: Kind
    entry: Entry
    package: str
    version: str


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that was found and could not be used."""

    name: str
    package: str
    error: str


@dataclass(frozen=True)
class OutdatedPlugin:
    """A plugin for an older version of the interface: it is used, and may not work.

    Attributes:
        name: Of its entry point.
        package: That it came from.
        changes: What has changed since.
    """

    name: str
    package: str
    changes: str


@dataclass(eq=False)
class Catalogue:
    """What is installed: entries by kind and name, what is broken and what is old."""

    entries: dict[tuple[Kind, str], RegisteredPlugin] = field(default_factory=dict)
    broken: list[BrokenPlugin] = field(default_factory=list)
    outdated: list[OutdatedPlugin] = field(default_factory=list)

    def of_kind(self, kind: Kind) -> list[RegisteredPlugin]:
        """Entries of a kind, sorted by name."""
        found = [item for (other, _), item in self.entries.items() if other == kind]
        return sorted(found, key=lambda item: item.entry.name)

    def find(self, kind: Kind, name: str) -> RegisteredPlugin:
        """The entry of this kind and name, which may be `package/name`.

        Raises:
            UsageError: Where there is none, with the nearest names.
        """
        if (kind, name) in self.entries:
            return self.entries[kind, name]
        package, _, plain = name.rpartition("/")
        item = self.entries.get((kind, plain))
        if item is not None and item.package == package:
            return item
        known = [item.entry.name for item in self.of_kind(kind)]
        raise UsageError(f"unknown {kind} {name!r}", nearest(name, known))

    def reference(self, kind: Kind, text: str) -> Reference:
        """Name and options of a plugin, where the text may use a name that is short for both.

        Options of the text replace those that its name is short for.
        """
        reference = parse_reference(text)
        entry = self.find(kind, reference.name).entry
        if not entry.short_for:
            return Reference(entry.name, reference.options)
        long = parse_reference(entry.short_for)
        options = dict(long.options) | dict(reference.options)
        return Reference(self.find(kind, long.name).entry.name, tuple(options.items()))

    def canonical(self, kind: Kind, text: str) -> str:
        """`name:options` in its one spelling: options sorted, those at their default left out."""
        reference = self.reference(kind, text)
        attribute = self.type_of(kind, text)
        options = build_options(f"{kind} {reference.name}", attribute, reference.options)
        shared = view_options(f"{kind} {reference.name}", attribute, reference.options)
        return str(Reference(reference.name, (*option_fields(options), *option_fields(shared))))

    def spelled(self, entrant: str) -> str:
        """An entrant's name with its encoder in the one spelling that tables have."""
        encoder, *others = entrant.split(" + ")
        with suppress(UsageError):
            encoder = self.canonical("encoder", encoder)
        return " + ".join((encoder, *others))

    def architecture(self, text: str) -> str:
        """The part of an encoder's name that its weights depend on: all but options of views."""
        reference = parse_reference(self.canonical("encoder", text))
        views = {*self.type_of("encoder", text).views, *VIEW_OPTIONS}
        kept = tuple(pair for pair in reference.options if pair[0] not in views)
        return str(Reference(reference.name, kept))

    def build(self, kind: Kind, text: str, **arguments: Any) -> Any:
        """The plugin that `name:options` says, its class called with options and arguments."""
        reference = self.reference(kind, text)
        registered = self.find(kind, reference.name)
        attribute = self.load(registered)
        options = build_options(f"{kind} {reference.name}", attribute, reference.options)
        if not callable(attribute):
            return attribute
        built = attribute(**arguments) if options is None else attribute(options, **arguments)
        shared = view_options(f"{kind} {reference.name}", attribute, reference.options)
        return _viewed(built, shared) if shared != ViewOptions() else built

    def digest(self, text: str) -> str:
        """Hashes of the files of weights that an encoder starts from; empty where it has none."""
        encoder = self.type_of("encoder", text)
        options = build_options(f"encoder {text}", encoder, self.reference("encoder", text).options)
        digests = [encoder.digest(options), *map(self.digest, encoder.wrapped(options))]
        return " ".join(filter(None, digests))

    def wrapped(self, text: str) -> tuple[str, ...]:
        """All encoders, as `name:options`, that an encoder is made of, however deep."""
        encoder = self.type_of("encoder", text)
        options = build_options(f"encoder {text}", encoder, self.reference("encoder", text).options)
        found: tuple[str, ...] = encoder.wrapped(options)
        return tuple(name for one in found for name in (one, *self.wrapped(one)))

    def type_of(self, kind: Kind, text: str) -> Any:
        """The class that `name:options` names, not yet called; a condition is a value."""
        return self.load(self.find(kind, parse_reference(text).name))

    def load(self, registered: RegisteredPlugin) -> Any:
        """Imports what an entry names.

        Raises:
            PluginError: Where it cannot be imported, or is no class of its kind's contract.
        """
        entry = registered.entry
        module, _, attribute = entry.target.partition(":")
        what = f"{registered.kind} {entry.name!r} of package {registered.package}"
        try:
            plugin = getattr(import_guarded(module, registered.package), attribute)
        except (PluginImportError, AttributeError) as error:
            raise PluginError(
                f"{what} cannot be imported from {entry.target!r}: {error}",
                "fix or uninstall the package; `lensbench doctor` lists all broken plugins",
            ) from error
        contract = CONTRACTS.get(registered.kind)
        if contract and not (isinstance(plugin, type) and issubclass(plugin, contract)):
            raise PluginError(
                f"{what}: {entry.target!r} is no class derived from lensbench.{contract.__name__}",
                f"write: class {attribute}(lensbench.{contract.__name__}, …)",
            )
        return plugin


def _viewed(encoder: Any, shared: ViewOptions) -> Any:
    """An encoder under the options of views; torch is imported for nothing else here."""
    module, _, attribute = _VIEWED.partition(":")
    wrapper = getattr(importlib.import_module(module), attribute)
    return wrapper(encoder, shared.view, shared.rings)
