"""What the verbs that make a page share: what to show, and whom to cite."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lensbench.cli.options import store_root
from lensbench.errors import UsageError

if TYPE_CHECKING:
    from lensbench.leaderboard.board.documents import Credit
    from lensbench.leaderboard.page import Evidence
    from lensbench.leaderboard.page.gallery_scenes import GalleryScenes
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
    from lensbench.cli.task_classes import class_of
    from lensbench.leaderboard.page import gather

    evidence = gather(where, lambda: reading_store(store_root(store)))
    return replace(evidence, class_of=class_of, short=_short_names())


def _short_names() -> dict[str, str]:
    """Names that are short for an encoder with options, by the name that records have."""
    from lensbench.registry import load_catalogue

    catalogue = load_catalogue()
    names = [one.entry.name for one in catalogue.of_kind("encoder") if one.entry.short_for]
    return {catalogue.canonical("encoder", name): name for name in names}


@contextmanager
def drawing(evidence: Evidence) -> Iterator[Evidence]:
    """Evidence whose scenes are drawn again where it is of a board and the store lacks them.

    Scenes of a withdrawn board may be others today, so they are not drawn.
    """
    if evidence.board is None or evidence.board.manifest.withdrawn:
        yield evidence
        return
    from lensbench.store import open_store
    from lensbench.verification.gallery import DrawnScenes

    with tempfile.TemporaryDirectory() as folder:
        drawn = DrawnScenes(evidence.board, open_store(folder))

        def scenes(images: str, truth: str | None) -> GalleryScenes | None:
            stored = evidence.scenes(images, truth)
            complete = stored is not None and (truth is None or stored.skies is not None)
            return stored if complete else drawn.find(images)

        yield replace(evidence, scenes=scenes)


def credited_by(evidence: Evidence) -> Sequence[Credit]:
    """Whom to cite, as the board says, or else as the installed plugins that records name do."""
    from lensbench.registry import load_catalogue
    from lensbench.verification.credits import credits_of

    return evidence.credited or credits_of(load_catalogue(), evidence.records)
