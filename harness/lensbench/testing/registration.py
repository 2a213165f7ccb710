"""Is a plugin registered well: at no cost, described, licensed, its options documented?"""

from __future__ import annotations

import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
from typing import Any

from lensbench.errors import PluginError
from lensbench.registry import Catalogue, RegisteredPlugin
from lensbench.registry.discovery import GROUP
from lensbench.registry.options import options_class

_HEAVY = frozenset(
    [
        "astropy",
        "h5py",
        "matplotlib",
        "numpy",
        "polars",
        "pydantic",
        "scipy",
        "sklearn",
        "timm",
        "torch",
        "torchmetrics",
        "torchvision",
        "transformers",
    ]
)
_MOST_SECONDS = 0.5
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*( (AND|OR|WITH) [A-Za-z0-9][A-Za-z0-9.+-]*)*")
_IMPORT = """
import json, sys, time
import lensbench.api.hookspecs, lensbench.errors
start = time.process_time()
__import__(sys.argv[1])
print("\\n" + json.dumps([time.process_time() - start, sorted(sys.modules)]))
"""


def check_import(package: str) -> None:
    """The modules that lensbench reads at every start cost nothing.

    Raises:
        PluginError: Where one cannot be imported alone, imports something heavy or takes more than
            half a second of the processor.
    """
    points = [point for point in importlib.metadata.entry_points(group=GROUP) if point.dist]
    for module in sorted({point.module for point in points if _canonical(point) == package}):
        done = subprocess.run(
            [sys.executable, "-c", _IMPORT, module], capture_output=True, text=True, check=False
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no message"]
            raise PluginError(f"module {module!r} cannot be imported: {lines[-1]}", "fix the error")
        seconds, modules = json.loads(done.stdout.splitlines()[-1])
        if heavy := _HEAVY & set(modules):
            raise PluginError(
                f"module {module!r} imports {', '.join(sorted(heavy))} at every start",
                "name plugins by their import path, and import nothing else where they are named",
            )
        if seconds > _MOST_SECONDS:
            raise PluginError(
                f"module {module!r} takes {seconds:.1f} s to import, "
                f"expected at most {_MOST_SECONDS} s",
                "do nothing in it but to return entries",
            )


def check_metadata(registered: RegisteredPlugin) -> None:
    """An entry has a summary, a licence and somebody to cite.

    Raises:
        PluginError: Naming what is missing.
    """
    entry, what = registered.entry, f"{registered.kind} {registered.entry.name!r}"
    if not entry.summary.endswith("."):
        raise PluginError(
            f"{what} has the summary {entry.summary!r}, expected a sentence", "give Entry summary="
        )
    if not entry.citation and not _people(registered.package):
        raise PluginError(
            f"{what} has no citation, and its package no authors",
            "give Entry citation=, author and year with arXiv number or DOI",
        )


def check_licence(registered: RegisteredPlugin) -> None:
    """Plugin and package say under which licence they are.

    Raises:
        PluginError: Where one does not.
    """
    what = f"{registered.kind} {registered.entry.name!r}"
    if not _SPDX.fullmatch(registered.entry.licence):
        raise PluginError(
            f"{what} has the licence {registered.entry.licence!r}, expected an SPDX identifier",
            "give Entry licence=, e.g. MIT",
        )
    stated = ("License-Expression", "License", "Classifier")
    if not any(
        field != "Classifier" or value.startswith("License ::")
        for field in stated
        for value in _known(registered.package, field)
    ):
        raise PluginError(
            f"package {registered.package} states no licence", 'write license = "…" in pyproject'
        )


class AdviceError(Exception):
    """Something could be better and breaks nothing; the message says what."""


def check_options(catalogue: Catalogue, registered: RegisteredPlugin) -> None:
    """A plugin says in its docstrings what it is and what its options do.

    Raises:
        PluginError: Where plugin or options have no docstring.
        AdviceError: Where no docstring of its module names an option.
    """
    what = f"{registered.kind} {registered.entry.name!r}"
    plugin = catalogue.load(registered)
    if registered.kind == "condition" and not callable(plugin):
        return
    if not _own_docstring(plugin):
        raise PluginError(f"{what} has no docstring", "say in one sentence what it is")
    options = options_class(plugin)
    if options is None:
        return
    if not _own_docstring(options):
        raise PluginError(
            f"the options of {what} have no docstring", "say in that of Options what each one does"
        )
    module = inspect.getdoc(inspect.getmodule(plugin)) or ""
    text = " ".join([_own_docstring(plugin), _own_docstring(options), module])
    silent = [
        name
        for name in inspect.signature(options).parameters
        if not re.search(rf"\b{name}\b", text)
    ]
    if silent:
        raise AdviceError(f"no docstring says what these options do: {', '.join(silent)}")


def _own_docstring(thing: Any) -> str:
    """A docstring that somebody wrote: a dataclass without one is given its signature."""
    text = getattr(thing, "__doc__", None) or ""
    name = getattr(thing, "__name__", "")
    return "" if text.startswith(f"{name}(") else text


def _people(package: str) -> bool:
    fields = ("Author", "Author-email", "Maintainer-email")
    return any(_known(package, field) for field in fields)


def _known(package: str, field: str) -> list[str]:
    """What a package's metadata have in a field."""
    return importlib.metadata.metadata(package).get_all(field) or []


def canonical_package(name: str) -> str:
    """A package's name in its one spelling."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _canonical(point: importlib.metadata.EntryPoint) -> str:
    return canonical_package(point.dist.name) if point.dist else ""
