"""Cells with the plugins that they name, the scenes that they look at, and the keys of all results.

Nothing is made here, and what many cells share is found once, so that a plan of many costs little.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from lensbench.api.budget import Budget, find_budget
from lensbench.api.dataset import Split
from lensbench.cells.code import Asked, Code, CodeDigest
from lensbench.cells.descriptions import Descriptions, Part, Role, SplitView
from lensbench.cells.images import Layer, SceneSet
from lensbench.cells.plugins import Plugins
from lensbench.registry import Catalogue
from lensbench.store import key_of
from lensbench.study.cell import Cell, View
from lensbench.study.describe import Description, Numerics

_SPLITS: Mapping[Role, Split] = {
    "pretraining": "pretraining",
    "train": "train",
    "validation": "validation",
    "adaptation": "pretraining",
    "test": "test",
}
"""The split that a cell looks at for each purpose."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class ResolvedCell:
    """A cell with its plugins, all scenes that it looks at, and the keys of what is made of it.

    Attributes:
        cell: Which.
        descriptions: The plugins, and what artefacts depend on.
        pretraining, train, validation, adaptation, tests: What the cell looks at, by role.
        weights: Key of the encoder before the task; empty for a baseline.
        fit: Key of the fitted predictor.
        predictions: Keys of the predictions for each test.
        records: Key of the scores.
    """

    cell: Cell
    descriptions: Descriptions
    pretraining: tuple[SplitView, ...]
    train: SplitView
    validation: SplitView
    adaptation: SplitView | None
    tests: tuple[SplitView, ...]
    weights: str
    fit: str
    predictions: tuple[str, ...]
    records: str

    def __iter__(self) -> Iterator[SplitView]:
        """All that the cell looks at, in the order in which it does."""
        yield from self.pretraining
        yield from self.fitted
        yield from self.tests

    @property
    def fitted(self) -> tuple[SplitView, ...]:
        """What the cell looks at to be fitted."""
        fitted = (self.train, self.validation)
        return (*fitted, self.adaptation) if self.adaptation else fitted

    @property
    def plugins(self) -> Plugins:
        """Those that the cell names, and all others."""
        return self.descriptions.plugins

    @property
    def task(self) -> Any:
        """The task."""
        return self.plugins.get("task", self.cell.task)

    @property
    def budget(self) -> Budget:
        """Sizes of splits and lengths of trainings."""
        return find_budget(self.cell.budget)

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as it is, so that features can be shared."""
        return self.plugins.frozen(self.cell.entrant.transfer)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of features that the task needs."""
        return ("pooled", "maps") if self.plugins.needs_maps(self.cell.task) else ("pooled",)

    def feature_key(self, seen: SplitView, part: Part) -> str:
        """Key of what the frozen encoder makes of images."""
        return key_of(self.describe_features(seen, part))

    def describe_weights(self) -> Description:
        """What the encoder depends on before the task."""
        return self.descriptions.weights(self.cell, self.pretraining)

    def describe_features(self, seen: SplitView, part: Part) -> Description:
        """What the features of a frozen encoder depend on."""
        return self.descriptions.features(self.cell, self.weights, seen.images.key, part)

    def describe_fit(self) -> Description:
        """What the fit depends on."""
        return self.descriptions.fit(self.cell, self.weights, self.fitted)

    def describe_predictions(self, test: SplitView) -> Description:
        """What the predictions for a test depend on."""
        return self.descriptions.predictions(self.fit, test)

    def describe_records(self) -> Description:
        """What the records depend on."""
        return self.descriptions.records(self.cell, self.predictions, self.tests)


class Resolver:
    """Finds plugins, scenes and keys of cells.

    Args:
        catalogue: Where plugins are found.
        numerics: How things are computed.
        code: Digests of code that were found elsewhere, and are to be said again.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        numerics: Numerics | None = None,
        code: Mapping[Asked, CodeDigest] | None = None,
    ) -> None:
        self.plugins = Plugins(catalogue)
        self.numerics = numerics or Numerics()
        self.code = Code(catalogue, code)
        self.descriptions = Descriptions(self.plugins, self.numerics, self.code)
        self._known: dict[tuple[object, ...], Any] = {}

    @property
    def catalogue(self) -> Catalogue:
        """Where plugins are found."""
        return self.plugins.catalogue

    def resolve(self, cell: Cell) -> ResolvedCell:
        """A cell with all that it looks at and all keys."""
        what = (cell.train, cell.tests, cell.target, cell.task, cell.budget, cell.seeds.draw)
        train, validation, adaptation, tests = self._once(what, lambda: self._seen(cell))
        pretraining = tuple(self._view(cell, "pretraining", view) for view in cell.pretraining)
        weights = self._weights_key(cell, pretraining) if cell.entrant.encoder else ""
        fitted = (train, validation, adaptation) if adaptation else (train, validation)
        fit = key_of(self.descriptions.fit(cell, weights, fitted))
        predictions = tuple(key_of(self.descriptions.predictions(fit, test)) for test in tests)
        records = key_of(self.descriptions.records(cell, predictions, tests))
        views = (pretraining, train, validation, adaptation, tests)
        return ResolvedCell(cell, self.descriptions, *views, weights, fit, predictions, records)

    def scenes(self, dataset: str, split: Split, count: int, seed: int) -> SceneSet:
        """The first `count` scenes of a split."""
        return self._once(
            ("scenes", dataset, split, count, seed),
            lambda: SceneSet(dataset, self.plugins.get("dataset", dataset), split, count, seed),
        )

    def layers(self, scenes: SceneSet, condition: str, task: str) -> tuple[Layer, Layer | None]:
        """Images of scenes under a condition, and the sky behind them where a task asks for it."""
        sky = self.plugins.get("task", task).sky if task else None
        return self.layer(scenes, condition), self.layer(scenes, condition, task) if sky else None

    def layer(self, scenes: SceneSet, condition: str, sky_task: str = "") -> Layer:
        """Images of scenes under a condition, or the sky as a task asks for it."""
        draw = (scenes.name, scenes.split, scenes.count, scenes.seed)
        return self._once(
            ("layer", *draw, condition, sky_task), lambda: self._layer(scenes, condition, sky_task)
        )

    def _seen(
        self, cell: Cell
    ) -> tuple[SplitView, SplitView, SplitView | None, tuple[SplitView, ...]]:
        """What a cell looks at to be fitted and tested."""
        return (
            self._view(cell, "train", cell.train),
            self._view(cell, "validation", cell.train),
            self._view(cell, "adaptation", cell.target) if cell.target else None,
            tuple(self._view(cell, "test", view) for view in cell.tests),
        )

    def _view(self, cell: Cell, role: Role, view: View) -> SplitView:
        split = _SPLITS[role]
        sky_task = "" if split == "pretraining" else cell.task
        what = ("view", role, view, cell.budget, cell.seeds.draw, sky_task)
        return self._once(what, lambda: self._new_view(cell, role, view, sky_task))

    def _new_view(self, cell: Cell, role: Role, view: View, sky_task: str) -> SplitView:
        split = _SPLITS[role]
        count = split_count(cell.budget, split)
        scenes = self.scenes(view.dataset, split, count, cell.seeds.draw)
        return SplitView(role, view, scenes, *self.layers(scenes, view.condition, sky_task))

    def _layer(self, scenes: SceneSet, condition: str, sky_task: str) -> Layer:
        observed = self.plugins.get("condition", condition)
        sky = None
        if sky_task:
            target = self.plugins.get("task", sky_task).sky
            sky = (target, self.plugins.get("condition", target.reference or condition))
        description = self.descriptions.images(scenes, observed, sky)
        return Layer(key_of(description), observed, sky, description)

    def _weights_key(self, cell: Cell, pretraining: tuple[SplitView, ...]) -> str:
        entrant = cell.entrant
        what = (
            "weights",
            entrant.encoder,
            entrant.pretraining,
            cell.pretraining,
            cell.budget,
            cell.seeds.draw,
            cell.seeds.pretraining,
            self.plugins.normal(cell.task),
        )
        return self._once(what, lambda: key_of(self.descriptions.weights(cell, pretraining)))

    def _once(self, what: tuple[object, ...], find: Callable[[], _Value]) -> _Value:
        if what not in self._known:
            self._known[what] = find()
        found: _Value = self._known[what]
        return found


@functools.cache
def split_count(budget: str, split: Split) -> int:
    """How many scenes of a split a budget asks for."""
    sizes = find_budget(budget)
    counts: Mapping[Split, int] = {
        "pretraining": sizes.pretraining_scenes,
        "train": sizes.train_scenes,
        "validation": sizes.validation_scenes,
        "test": sizes.test_scenes,
    }
    return counts[split]
