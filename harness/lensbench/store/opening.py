"""Which kind of store is behind a name."""

from __future__ import annotations

from pathlib import Path

from lensbench.store.artefacts import Store


def open_store(where: str | Path) -> Store:
    """The store at a path, or behind a URL that fsspec knows."""
    if "://" in str(where):
        from lensbench.store.remote import RemoteStore

        return RemoteStore(str(where))
    return Store(Path(where))
