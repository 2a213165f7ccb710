"""The scenes of cells, drawn again: what a board never carries and everyone can make."""

from __future__ import annotations

from lensbench.api.samples import Samples
from lensbench.cells.images import ensure_images, read_samples
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
        has_sky = parts.has_sky(cell, "test")
        images = {view: parts.piece(view.condition) for view in views}
        skies = {view: parts.piece(view.condition, cell.task) for view in views if has_sky}
        pieces = [*images.values(), *skies.values()]
        ensure_images(store, wanted, pieces, parts.code, lambda *_: None)
        keys = {piece: key_of(wanted.describe(piece, parts.code)) for piece in pieces}
        for view, piece in images.items():
            sky = keys[skies[view]] if has_sky else ""
            samples[view] = read_samples(store, wanted, piece.condition, keys[piece], sky)
    return samples
