"""Whom to cite for what the installed plugins took part in."""

from __future__ import annotations

import re

import polars as pl

from lensbench.leaderboard.board.documents import Credit
from lensbench.leaderboard.citations import plugins_of
from lensbench.registry import Catalogue


def credits_of(catalogue: Catalogue, records: pl.DataFrame) -> list[Credit]:
    """Whom to cite for the plugins that records name, as far as these are installed.

    A condition whose numbers are those of another brings that one too. No plugin is loaded, so
    the versions of data are left out.
    """
    installed = {(str(kind), name): item for (kind, name), item in catalogue.entries.items()}
    found: dict[tuple[str, str], Credit] = {}
    waiting = plugins_of(records)
    while waiting:
        plugin = waiting.pop(0)
        if plugin in found or plugin not in installed:
            continue
        kind, name = plugin
        item, entry = installed[plugin], installed[plugin].entry
        found[plugin] = Credit(
            kind, name, item.package, item.version, entry.licence, entry.citation, entry.summary
        )
        if kind == "condition":
            waiting += [(kind, other) for other in re.findall(r"\bas ([\w@-]+)", entry.citation)]
    return list(found.values())
