"""The scenes that the gallery of a board's page shows, drawn again."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from lensbench.api.condition import Condition
from lensbench.cells.deferred import DrawnTargets, SceneImages, can_defer
from lensbench.cells.descriptions import SplitView
from lensbench.cells.images import SceneSet
from lensbench.errors import DataError, NoRoomError
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.page.gallery_scenes import GalleryScenes, stored_scenes
from lensbench.store import Store
from lensbench.verification.installation import Installation
from lensbench.verification.published import cells_of
from lensbench.verification.scenes import ensure_scenes


class DrawnScenes:
    """The test scenes of a board, drawn again when they are first asked for.

    Images are made of those scenes alone that somebody looks at, each rendered once. Where a task
    asks for skies, or a dataset has its images already, all of a cell are made at once.

    Args:
        board: Whose scenes are asked for, by the keys in its records.
        store: Where skies are drawn.
    """

    def __init__(self, board: Board, store: Store) -> None:
        self.board, self.store = board, store
        self._here = Installation(board.provenance)
        self._tests: dict[str, SplitView | None] = {}
        self._drawn: dict[SceneSet, tuple[DrawnTargets, SceneImages]] = {}

    def find(self, images: str) -> GalleryScenes | None:
        """The scenes whose images have this key; `None` where they cannot be drawn here."""
        try:
            if images not in self._tests:
                self._tests |= {images: None, **self._tests_beside(images)}
            test = self._tests[images]
            return None if test is None else self._scenes(test)
        except NoRoomError:
            raise
        except Exception:  # plugins that are not here, or raise anything
            return None

    def _tests_beside(self, images: str) -> dict[str, SplitView]:
        """By the keys of their images, the tests of a cell that has seen these."""
        done = self.board.records.filter(pl.col("state") == "done")
        cells = done.filter(pl.col("images") == images)["cell"]
        if cells.is_empty():
            return {}
        key = str(cells[0])
        records = done.filter(pl.col("cell") == key)
        views = records.select("test_dataset", "test_condition", "images").unique().rows()
        named = {(dataset, condition): str(found) for dataset, condition, found in views}
        tests = self._here.as_claimed(key).resolve(cells_of(records)[key]).tests
        if not all(map(can_defer, tests)):
            ensure_scenes(self.store, tests)
        return {named[test.view.dataset, test.view.condition]: test for test in tests}

    def _scenes(self, test: SplitView) -> GalleryScenes | None:
        if not can_defer(test):
            scenes_of = stored_scenes(self.store.find)
            return scenes_of(test.images.key, test.sky.key if test.sky else None)
        if test.scenes not in self._drawn:
            self._drawn[test.scenes] = DrawnTargets.of(test.scenes), SceneImages(test.scenes)
        known, images = self._drawn[test.scenes]
        return GalleryScenes(
            ids=list(known.ids),
            targets=known.targets,
            classes=known.classes,
            image=partial(_image, images, test.images.condition),
        )


def _image(images: SceneImages, condition: Condition, index: int) -> np.ndarray:
    try:
        return images.under(condition, index)
    except Exception as error:  # datasets are plugins and may raise anything
        raise DataError(f"scene {index} cannot be drawn: {error}") from error
