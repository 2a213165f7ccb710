"""The scenes of cells, drawn again: what a board never carries and everyone can make."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from lensbench.api.samples import Samples
from lensbench.cells.descriptions import SplitView, layers_by_scenes
from lensbench.cells.images import ensure_images, read_samples
from lensbench.cells.resolved import Resolver
from lensbench.errors import NoRoomError
from lensbench.leaderboard.board.contents import Board
from lensbench.store import Store
from lensbench.study.cell import Cell, View
from lensbench.verification.installation import Installation
from lensbench.verification.published import cells_of


def draw_tests(resolver: Resolver, store: Store, cell: Cell) -> dict[View, Samples]:
    """The test samples of each view of a cell, with their targets.

    Those that the store lacks are drawn, each dataset in one pass.
    """
    tests = resolver.resolve(cell).tests
    ensure_scenes(store, tests)
    return {test.view: read_samples(store, test.scenes, test.images, test.sky) for test in tests}


class DrawnScenes:
    """Files of a board's test images and skies, drawn again when they are first asked for.

    Args:
        board: Whose scenes are asked for, by the keys in its records.
        store: Where they are drawn.
    """

    def __init__(self, board: Board, store: Store) -> None:
        self.board, self.store = board, store
        self._here = Installation(board.provenance)
        self._asked: set[str] = set()
        self._files: dict[tuple[str, str], Path] = {}

    def find(self, kind: str, key: str) -> Path | None:
        """The file of `images` or `skies` of this key; `None` where they cannot be drawn here."""
        if (kind, key) not in self._files and key not in self._asked:
            self._asked.add(key)
            self._draw(pl.col("images" if kind == "images" else "truth") == key)
        return self._files.get((kind, key))

    def _draw(self, wanted: pl.Expr) -> None:
        """Draws all scenes of one cell, whose records are so."""
        cells = self.board.records.filter((pl.col("state") == "done") & wanted)["cell"]
        if cells.is_empty():
            return
        key = str(cells[0])
        records = self.board.records.filter(pl.col("cell") == key)
        rows = records.rows_by_key(("test_dataset", "test_condition"), named=True, unique=True)
        try:
            tests = self._here.as_claimed(key).resolve(cells_of(records)[key]).tests
            ensure_scenes(self.store, tests)
        except NoRoomError:
            raise
        except Exception:  # plugins that are not here, or raise anything
            return
        for test in tests:
            row = rows[test.view.dataset, test.view.condition]
            for layer, name in ((test.images, row["images"]), (test.sky, row["truth"])):
                path = self.store.find(layer.kind, layer.key) if layer and name else None
                if path is not None and layer is not None:
                    self._files[layer.kind, name] = path


def ensure_scenes(store: Store, tests: Iterable[SplitView]) -> None:
    """Draws what the store lacks of the images of views, each dataset in one pass."""
    for scenes, layers in layers_by_scenes(tests).items():
        ensure_images(store, scenes, layers, lambda *_: None)
