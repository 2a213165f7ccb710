"""The scenes of cells, drawn again: what a board never carries and everyone can make."""

from __future__ import annotations

from collections.abc import Iterable

from lensbench.api.samples import Samples
from lensbench.cells.descriptions import SplitView, layers_by_scenes
from lensbench.cells.images import ensure_images, read_samples
from lensbench.cells.resolved import Resolver
from lensbench.store import Store
from lensbench.study.cell import Cell, View


def draw_tests(resolver: Resolver, store: Store, cell: Cell) -> dict[View, Samples]:
    """The test samples of each view of a cell, with their targets.

    Those that the store lacks are drawn, each dataset in one pass.
    """
    tests = resolver.resolve(cell).tests
    ensure_scenes(store, tests)
    return {test.view: read_samples(store, test.scenes, test.images, test.sky) for test in tests}


def ensure_scenes(store: Store, tests: Iterable[SplitView]) -> None:
    """Draws what the store lacks of the images of views, each dataset in one pass."""
    for scenes, layers in layers_by_scenes(tests).items():
        ensure_images(store, scenes, layers, lambda *_: None)
