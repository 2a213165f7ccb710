"""What the verbs that make a page share: what to show, and whom to cite."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lensbench.cli.options import store_root
from lensbench.errors import UsageError

if TYPE_CHECKING:
    from lensbench.leaderboard.page import Cite, Evidence
    from lensbench.store import Store


def reading_store(root: str) -> Store:
    """A store that is there already; none is made for the sake of reading.

    Raises:
        UsageError: Where there is none.
    """
    from lensbench.store import open_store

    if "://" not in root and not (Path(root) / "store.json").is_file():
        raise UsageError(f"there is no store in {root!r}", "name one with --store")
    return open_store(root)


def evidence_of(where: str, store: str | None) -> Evidence:
    """What a page is made from, by the words of the command line."""
    from lensbench.leaderboard.page import gather

    return gather(where, lambda: reading_store(store_root(store)))


def cites_of(evidence: Evidence) -> list[Cite]:
    """Whom to cite, as the board says, or else as the installed plugins that records name do."""
    from lensbench.leaderboard.page import Cite
    from lensbench.registry import load_catalogue

    if evidence.cites:
        names = [field.name for field in dataclasses.fields(Cite)]
        return [Cite(**{name: str(one.get(name, "")) for name in names}) for one in evidence.cites]
    kinds = ("encoder", "pretraining", "transfer", "baseline", "task", "dataset")
    named = {
        (kind, str(word).partition(":")[0])
        for kind in kinds
        for word in evidence.records[kind].drop_nulls().unique()
    }
    return [
        Cite(
            kind=kind, name=name, summary=item.entry.summary, citation=item.entry.citation,
            licence=item.entry.licence, package=item.package, version=item.version,
        )
        for (kind, name), item in load_catalogue().entries.items()
        if (kind, name) in named
    ]  # fmt: skip
