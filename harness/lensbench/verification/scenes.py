"""The scenes of cells, drawn again: what a board never carries and everyone can make."""

from __future__ import annotations

from lensbench.api.samples import Samples
from lensbench.cells.descriptions import layers_by_scenes
from lensbench.cells.images import ensure_images, read_samples
from lensbench.cells.resolved import Resolver
from lensbench.store import Store
from lensbench.study.cell import Cell, View


def draw_tests(resolver: Resolver, store: Store, cell: Cell) -> dict[View, Samples]:
    """The test samples of each view of a cell, with their targets.

    Those that the store lacks are drawn, each dataset in one pass.
    """
    tests = resolver.resolve(cell).tests
    for scenes, layers in layers_by_scenes(tests).items():
        ensure_images(store, scenes, layers, lambda *_: None)
    return {test.view: read_samples(store, test.scenes, test.images, test.sky) for test in tests}
