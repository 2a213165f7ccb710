"""What cells come to: the plugins that they name and the keys of all that they make.

Nothing is made here, and what many cells share is found once, so that a plan of many costs little.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from lensbench.api.budget import Budget, find_budget
from lensbench.api.entry import Kind
from lensbench.cells.code import code_of
from lensbench.cells.images import ImageSet, Piece
from lensbench.registry import Catalogue
from lensbench.store import key_of
from lensbench.study.cell import Cell, View
from lensbench.study.describe import (
    Code,
    Description,
    Numerics,
    describe_features,
    describe_fit,
    describe_predictions,
    describe_records,
    describe_weights,
)

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys of all that a cell is made of, in the order in which it is made.

    Attributes:
        pretraining: Of the images of each view that is pretrained on.
        weights: Of the encoder before the task; empty for a baseline.
        train, validation: Of the images to fit on.
        target: Of the images to adapt to; empty where none are.
        tests: Of the images of each test.
        skies: Of the skies of train, validation and each test; none where the task wants none.
        fit: Of the fitted predictor.
        predictions: Of the answers to each test.
        records: Of the scores.
    """

    pretraining: tuple[str, ...]
    weights: str
    train: str
    validation: str
    target: str
    tests: tuple[str, ...]
    skies: tuple[str, ...]
    fit: str
    predictions: tuple[str, ...]
    records: str


class Parts:
    """The plugins that cells name, each built once, and the keys of what is made by them.

    Args:
        catalogue: Where plugins are found.
        numerics: How things are computed.
        code: Digests of what computes; those of this installation where none are given.
    """

    def __init__(
        self, catalogue: Catalogue, numerics: Numerics | None = None, code: Code | None = None
    ) -> None:
        self.catalogue = catalogue
        self.numerics = numerics or Numerics()
        self.code = code or code_of(catalogue, torch.__version__)
        self._known: dict[tuple[object, ...], Any] = {}

    def get(self, kind: Kind, text: str) -> Any:
        """The plugin that `name:options` says."""
        return self._once(("part", kind, text), lambda: self.catalogue.build(kind, text))

    def budget(self, cell: Cell) -> Budget:
        """The sizes of a cell."""
        return find_budget(cell.budget)

    def frozen(self, cell: Cell) -> bool:
        """Whether a cell's encoder stays as it is, so that features can be shared."""
        transfer = cell.entrant.transfer
        return bool(transfer) and bool(self.get("transfer", transfer).frozen)

    def normal(self, cell: Cell) -> tuple[str, str] | None:
        """Target and class that a cell's training is confined to."""
        normal: tuple[str, str] | None = self.get("task", cell.task).normal
        return normal

    def group(self, cell: Cell, view: View, split: str) -> tuple[str, str, int, int]:
        """Scenes that are drawn in one go: dataset, split, count and seed."""
        return view.dataset, split, split_count(cell.budget, split), cell.seeds.draw

    def image_set(self, dataset: str, split: str, count: int, seed: int) -> ImageSet:
        """The first `count` scenes of a split."""
        return ImageSet(dataset, self.get("dataset", dataset), split, count, seed)  # type: ignore[arg-type]

    def has_sky(self, cell: Cell, split: str) -> bool:
        """Whether a cell wants to know the sky of a split; pretraining never does."""
        return split != "pretraining" and self.get("task", cell.task).sky is not None

    def piece(self, condition: str, sky_task: str = "") -> Piece:
        """Images of a condition, or the sky beside them as a task wants it."""
        observed = self.get("condition", condition)
        if not sky_task:
            return Piece(observed)
        target = self.get("task", sky_task).sky
        return Piece(observed, (target, self.get("condition", target.reference or condition)))

    def images_key(self, cell: Cell, view: View, split: str) -> str:
        """Key of the images of a split that a cell sees so."""
        return self._piece_key(self.group(cell, view, split), view.condition, "")

    def sky_key(self, cell: Cell, view: View, split: str) -> str:
        """Key of the skies behind these images; empty where a cell does not want them."""
        if not self.has_sky(cell, split):
            return ""
        return self._piece_key(self.group(cell, view, split), view.condition, cell.task)

    def keys(self, cell: Cell) -> Keys:
        """All keys of a cell."""
        what = (cell.train, cell.tests, cell.target, cell.task, cell.budget, cell.seeds.draw)
        train, validation, target, tests, skies = self._once(what, lambda: self._seen_keys(cell))
        pretraining = tuple(self.images_key(cell, view, "pretraining") for view in cell.pretraining)
        weights = self._weights_key(cell, pretraining) if cell.entrant.encoder else ""
        images = (train, validation, target) if target else (train, validation)
        fit = key_of(describe_fit(cell, weights, images, skies[:2], self.numerics, self.code))
        predictions = tuple(key_of(describe_predictions(fit, test)) for test in tests)
        records = key_of(self._describe_records(cell, predictions, skies[2:]))
        return Keys(
            pretraining, weights, train, validation, target, tests, skies, fit, predictions, records
        )

    def _seen_keys(self, cell: Cell) -> tuple[str, str, str, tuple[str, ...], tuple[str, ...]]:
        """Keys of images to train, validate, adapt to and test on, and of their skies."""
        skies: tuple[str, ...] = ()
        if self.has_sky(cell, "test"):
            fitted = [self.sky_key(cell, cell.train, split) for split in ("train", "validation")]
            skies = (*fitted, *(self.sky_key(cell, view, "test") for view in cell.tests))
        return (
            self.images_key(cell, cell.train, "train"),
            self.images_key(cell, cell.train, "validation"),
            self.images_key(cell, cell.target, "pretraining") if cell.target else "",
            tuple(self.images_key(cell, view, "test") for view in cell.tests),
            skies,
        )

    def needs_maps(self, cell: Cell) -> bool:
        """Whether a cell's task looks at more than pooled features."""
        return bool(self.get("task", cell.task).needs_maps)

    def features_key(self, cell: Cell, weights: str, images: str, part: str) -> str:
        """Key of what a cell's frozen encoder makes of images: `pooled`, or `maps`."""
        return self._once(
            ("features", weights, images, part),
            lambda: key_of(self.describe_features(cell, weights, images, part)),
        )

    def describe_weights(self, cell: Cell, images: tuple[str, ...]) -> Description:
        """What a cell's encoder depends on before the task."""
        entrant = cell.entrant
        return describe_weights(
            entrant.encoder, entrant.pretraining, cell.seeds.pretraining, cell.budget,
            self.catalogue.digest(entrant.encoder), images, self.normal(cell),
            self.numerics, self.code,
        )  # fmt: skip

    def describe_features(self, cell: Cell, weights: str, images: str, part: str) -> Description:
        """What the features of a cell's frozen encoder depend on."""
        return describe_features(
            cell.entrant.encoder, weights, images, part, self.numerics, self.code
        )

    def describe_fit(self, cell: Cell, keys: Keys) -> Description:
        """What a cell's fit depends on."""
        images = [keys.train, keys.validation, *filter(None, [keys.target])]
        return describe_fit(cell, keys.weights, images, keys.skies[:2], self.numerics, self.code)

    def describe_records(self, cell: Cell, keys: Keys) -> Description:
        """What a cell's records depend on."""
        return self._describe_records(cell, keys.predictions, keys.skies[2:])

    def _once(self, what: tuple[object, ...], find: Callable[[], _Value]) -> _Value:
        try:
            found: _Value = self._known[what]
        except KeyError:
            found = self._known[what] = find()
        return found

    def _describe_records(
        self, cell: Cell, predictions: tuple[str, ...], skies: tuple[str, ...]
    ) -> Description:
        return describe_records(cell, predictions, skies, self.budget(cell).resamples)

    def _piece_key(self, group: tuple[str, str, int, int], condition: str, sky_task: str) -> str:
        return self._once(
            ("piece", group, condition, sky_task),
            lambda: key_of(
                self.image_set(*group).describe(self.piece(condition, sky_task), self.code)
            ),
        )

    def _weights_key(self, cell: Cell, images: tuple[str, ...]) -> str:
        entrant = cell.entrant
        what = (
            "weights", entrant.encoder, entrant.pretraining, images, cell.seeds.pretraining,
            cell.budget, self.normal(cell),
        )  # fmt: skip
        return self._once(what, lambda: key_of(self.describe_weights(cell, images)))


@functools.cache
def split_count(budget: str, split: str) -> int:
    """How many scenes of a split a budget asks for."""
    its = find_budget(budget)
    counts: Mapping[str, int] = {
        "pretraining": its.pretraining_scenes,
        "train": its.train_scenes,
        "validation": its.validation_scenes,
        "test": its.test_scenes,
    }
    return counts[split]
