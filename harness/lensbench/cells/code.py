"""Digests of the code that takes part in results."""

from __future__ import annotations

import functools
import importlib.metadata

from lensbench.api.entry import KINDS, Kind
from lensbench.registry import Catalogue, parse_reference
from lensbench.store.provenance import checkout, source_digest
from lensbench.study.cell import Cell
from lensbench.study.describe import Code

_COMPUTING_ROOMS = (
    "api",
    "cells",
    "execution",
    "training",
    "data/readers",
    "sky",
    "stats/intervals.py",
)


@functools.cache
def harness_version() -> str:
    """The installed version of lensbench."""
    return importlib.metadata.version("lensbench")


def code_of(catalogue: Catalogue, torch_version: str) -> Code:
    """Version and source digest of the harness and of every installed plugin."""
    plugins = {}
    for kind in KINDS:
        for item in catalogue.of_kind(kind):
            module = item.entry.target.partition(":")[0].partition(".")[0]
            rooms = _COMPUTING_ROOMS if module == "lensbench" else ()
            plugins[f"{kind}/{item.entry.name}"] = f"{item.version}+{source_digest(module, rooms)}"
    return Code(source_digest("lensbench", _COMPUTING_ROOMS), plugins, torch_version)


def packages(catalogue: Catalogue, cell: Cell) -> dict[str, str]:
    """The packages of the plugins that a cell names: name and version, by module."""
    entrant = cell.entrant
    views = [cell.train, *cell.tests, *cell.pretraining, *filter(None, [cell.target])]
    named: list[tuple[Kind, str]] = [
        ("encoder", entrant.encoder),
        ("pretraining", entrant.pretraining),
        ("transfer", entrant.transfer),
        ("baseline", entrant.baseline),
        ("task", cell.task),
        *(("dataset", view.dataset) for view in views),
        *(("condition", view.condition) for view in views),
    ]
    found = {}
    for kind, text in named:
        if text:
            item = catalogue.find(kind, parse_reference(text).name)
            module = item.entry.target.partition(":")[0].partition(".")[0]
            found[module] = f"{item.package} {item.version}"
    return found


def checkouts(catalogue: Catalogue, cell: Cell) -> str:
    """Commits of the checkouts from which harness and plugins run, where they do."""
    modules = {"lensbench", *packages(catalogue, cell)}
    return ", ".join(sorted({f"{checkout(module)}" for module in modules} - {""}))
