"""Digests of the code that takes part in results."""

from __future__ import annotations

import importlib.metadata

from lensbench.api.entry import KINDS
from lensbench.registry import Catalogue
from lensbench.store.provenance import source_digest
from lensbench.study.describe import Code

_COMPUTING_ROOMS = ("api", "cells", "data/readers", "sky", "stats/intervals.py")


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
