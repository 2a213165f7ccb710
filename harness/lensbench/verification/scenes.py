"""The scenes of cells, drawn again: what a board never carries and everyone can make."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lensbench.api.samples import Samples
from lensbench.cells.images import ImageSet, Piece, ensure_images, read_samples
from lensbench.cells.resolved import Parts
from lensbench.store import Store, key_of
from lensbench.study.cell import Cell, View


def draw_tests(parts: Parts, store: Store, cell: Cell) -> dict[View, Samples]:
    """The test samples of each view of a cell, with their targets.

    Those that the store lacks are drawn, each dataset in one pass.
    """
    samples: dict[View, Samples] = {}
    for dataset in dict.fromkeys(view.dataset for view in cell.tests):
        views = [view for view in cell.tests if view.dataset == dataset]
        wanted = parts.image_set(*parts.group(cell, views[0], "test"))
        samples |= _drawn(parts, store, cell, wanted, views)
    return samples


def no_samples(parts: Parts, store: Store, cell: Cell) -> Samples:
    """Samples as a cell was trained on, but none of them: their shape, condition and targets."""
    wanted = parts.image_set(cell.train.dataset, "train", 1, cell.seeds.draw)
    return _drawn(parts, store, cell, wanted, [cell.train])[cell.train].take(torch.arange(0))


def _drawn(
    parts: Parts, store: Store, cell: Cell, wanted: ImageSet, views: Sequence[View]
) -> dict[View, Samples]:
    """Samples of these scenes under the condition of each view."""
    has_sky = parts.has_sky(cell, wanted.split)
    images = {view: parts.piece(view.condition) for view in views}
    skies = {view: parts.piece(view.condition, cell.task) for view in views if has_sky}
    pieces = [*images.values(), *skies.values()]
    ensure_images(store, wanted, pieces, parts.code, lambda *_: None)

    def key(piece: Piece | None) -> str:
        return key_of(wanted.describe(piece, parts.code)) if piece else ""

    return {
        view: read_samples(store, wanted, piece.condition, key(piece), key(skies.get(view)))
        for view, piece in images.items()
    }
