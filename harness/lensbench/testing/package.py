"""All checks of all plugins of a package, each with how it ended."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lensbench.api.entry import KINDS, Kind
from lensbench.errors import (
    DataError,
    IncompatibleError,
    LensbenchError,
    OptionError,
    UsageError,
    nearest,
    one_line,
)
from lensbench.registry import Catalogue, RegisteredPlugin, load_catalogue, parse_reference
from lensbench.registry.discovery import GROUP, collect
from lensbench.testing.folders import importable, is_folder
from lensbench.testing.kinds import Candidate, checks_of
from lensbench.testing.registration import (
    AdviceError,
    canonical_package,
    check_import,
    check_licence,
    check_metadata,
    check_options,
)
from lensbench.testing.surroundings import InconclusiveError

State = Literal["passed", "failed", "advice", "skipped"]


@dataclass(frozen=True)
class Finding:
    """How one check ended.

    Attributes:
        plugin: `kind/name`, or the package.
        check: What was looked at.
        state: `advice` where something could be better, `skipped` where it could not be tested.
        message: What is wrong or could be better, or why it could not be tested.
        hint: What to do.
    """

    plugin: str
    check: str
    state: State
    message: str = ""
    hint: str = ""


def check_package(
    named: str, catalogue: Catalogue | None = None, encoder: str = ""
) -> list[Finding]:
    """Checks all plugins of a package, or one plugin.

    Args:
        named: An installed package, the path of a package's folder, installed or not, or a plugin
            as `kind/name` or `kind/name:option=value`.
        catalogue: Where installed ones are registered; that of this environment by default.
        encoder: On which pretraining and transfers are tried; by default the package's own, or
            the first installed one that suits.

    Raises:
        UsageError: Where there is nothing of that name.
    """
    if is_folder(named):
        with importable(Path(named).expanduser()) as package:
            found = collect(importlib.metadata.entry_points(group=GROUP))
            return check_package(package, found, encoder)
    catalogue = catalogue or load_catalogue()
    kind, slash, reference = named.partition("/")
    if slash:
        return list(_of_plugin(catalogue, *_found(catalogue, kind, reference), encoder))
    package = canonical_package(named)
    items = [i for i in catalogue.entries.values() if canonical_package(i.package) == package]
    broken = [b for b in catalogue.broken if canonical_package(b.package) == package]
    if not items and not broken:
        raise UsageError(
            f"no package {named!r} with plugins is installed", _meant(catalogue, named)
        )
    hint = "fix it: these plugins cannot be used under their names"
    findings = [Finding(named, "registration", "failed", one.error, hint) for one in broken]
    if items:
        findings.append(_ended(named, "registration", lambda: check_import(package)))
    for old in catalogue.outdated:
        if canonical_package(old.package) == package:
            hint = "adapt to what changed, then set lensbench_api to lensbench.API_VERSION"
            findings.append(Finding(named, "interface", "failed", old.changes, hint))
    for item in sorted(items, key=lambda item: (KINDS.index(item.kind), item.entry.name)):
        findings += _of_plugin(catalogue, item, item.entry.name, encoder)
    return findings


def _meant(catalogue: Catalogue, named: str) -> str:
    """A hint at plugins of this name, or at packages whose names are near to it."""
    name = named.partition(":")[0]
    plugins = [item for item in catalogue.entries.values() if item.entry.name == name]
    if not plugins:
        return nearest(named, {item.package for item in catalogue.entries.values()})
    return "did you mean " + " or ".join(f"{item.kind}/{named}" for item in plugins) + "?"


def _found(catalogue: Catalogue, kind: str, reference: str) -> tuple[RegisteredPlugin, str]:
    """The plugin of a kind, and its name with options.

    Raises:
        UsageError: Where there is none.
    """
    known: Mapping[str, Kind] = {name: name for name in KINDS}
    if kind not in known:
        raise UsageError(f"unknown kind {kind!r} of plugin", nearest(kind, KINDS))
    return catalogue.find(known[kind], parse_reference(reference).name), reference


def _of_plugin(
    catalogue: Catalogue, item: RegisteredPlugin, reference: str, encoder: str
) -> Iterator[Finding]:
    """Findings of one plugin; what it does is not looked at where it cannot be made."""
    plugin = f"{item.kind}/{reference}"
    yield _ended(plugin, "metadata", lambda: check_metadata(item))
    yield _ended(plugin, "licence", lambda: check_licence(item))
    loading = _ended(plugin, "import", lambda: catalogue.load(item))
    if loading.state == "failed":
        yield loading
        return
    yield _ended(plugin, "options", lambda: check_options(catalogue, item))
    try:
        candidate = Candidate.of(catalogue, item, reference, encoder)
    except OptionError as error:
        needs = f"{error.message}: lensbench plugin check {plugin}:…"
        yield Finding(plugin, "contract", "skipped", needs, error.hint)
        return
    except IncompatibleError as error:
        yield Finding(plugin, "contract", "skipped", error.message, "name another with --encoder")
        return
    except DataError as error:
        yield Finding(plugin, "contract", "skipped", error.message, error.hint)
        return
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        yield _failed(plugin, "contract", error)
        return
    for name, check in checks_of(candidate).items():
        yield _ended(plugin, name, check)


def _ended(plugin: str, name: str, check: Callable[[], object]) -> Finding:
    try:
        check()
    except AdviceError as advice:
        return Finding(plugin, name, "advice", str(advice))
    except InconclusiveError as reason:
        return Finding(plugin, name, "skipped", str(reason))
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        return _failed(plugin, name, error)
    return Finding(plugin, name, "passed")


def _failed(plugin: str, name: str, error: BaseException) -> Finding:
    if isinstance(error, LensbenchError):
        return Finding(plugin, name, "failed", error.message, error.hint)
    message = f"it raised {type(error).__name__}: {one_line(error)}"
    hint = "call the same check of lensbench.testing to see where"
    return Finding(plugin, name, "failed", message, hint)
