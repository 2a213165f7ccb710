"""What a cell comes to: its image sets, and the keys of all that it makes, before any is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lensbench.api.budget import Budget, find_budget
from lensbench.api.condition import Condition
from lensbench.api.dataset import Split
from lensbench.api.entry import Kind
from lensbench.cells.code import code_of
from lensbench.cells.images import ImageSet
from lensbench.registry import Catalogue
from lensbench.store import key_of
from lensbench.study.cell import Cell
from lensbench.study.describe import (
    Code,
    Description,
    describe_fit,
    describe_predictions,
    describe_records,
    describe_weights,
)


class Parts:
    """The plugins that cells name, each built once, and the digests of their code."""

    def __init__(self, catalogue: Catalogue, torch_version: str) -> None:
        self.catalogue = catalogue
        self.code: Code = code_of(catalogue, torch_version)
        self._built: dict[tuple[Kind, str], Any] = {}

    def get(self, kind: Kind, text: str) -> Any:
        """The plugin that `name:options` says."""
        if (kind, text) not in self._built:
            self._built[kind, text] = self.catalogue.build(kind, text)
        return self._built[kind, text]


@dataclass(frozen=True)
class Resolved:
    """A cell with its parts found and its keys computed.

    Attributes:
        cell: Which.
        budget: Its sizes.
        task: Its task.
        train_condition: Under which it is trained.
        conditions: Under which it is scored.
        pretraining: Images for pretraining; `None` for a baseline.
        train, validation, test: Images of the other splits.
        weights: What the pretrained encoder depends on; `None` for a baseline.
        fit: What the fit depends on.
        images: Key of the test images by condition.
        answers: What the predictions depend on, by condition.
        records: What the records depend on.
    """

    cell: Cell
    budget: Budget
    task: Any
    train_condition: Condition
    conditions: tuple[Condition, ...]
    pretraining: ImageSet | None
    train: ImageSet
    validation: ImageSet
    test: ImageSet
    weights: Description | None
    fit: Description
    images: Mapping[str, str]
    answers: Mapping[str, Description]
    records: Description


def resolve(parts: Parts, cell: Cell) -> Resolved:
    """Finds a cell's parts and computes its keys; makes nothing."""
    budget = find_budget(cell.budget)
    home: Condition = parts.get("condition", cell.train_condition)
    conditions = tuple(parts.get("condition", name) for name in cell.test_conditions)
    labels = min(cell.labels or budget.train_scenes, budget.train_scenes)
    train = _images(parts, cell, "train", labels)
    validation = _images(parts, cell, "validation", budget.validation_scenes)
    test = _images(parts, cell, "test", budget.test_scenes)
    pretraining = weights = None
    if cell.entrant.encoder:
        pretraining = _images(parts, cell, "pretraining", budget.pretraining_scenes)
        weights = describe_weights(cell, key_of(pretraining.describe(home, parts.code)), parts.code)
    fit = describe_fit(
        cell,
        key_of(weights) if weights else "",
        key_of(train.describe(home, parts.code)),
        key_of(validation.describe(home, parts.code)),
        parts.code,
    )
    images = {one.name: key_of(test.describe(one, parts.code)) for one in conditions}
    answers = {name: describe_predictions(fit, key) for name, key in images.items()}
    return Resolved(
        cell=cell,
        budget=budget,
        task=parts.get("task", cell.task),
        train_condition=home,
        conditions=conditions,
        pretraining=pretraining,
        train=train,
        validation=validation,
        test=test,
        weights=weights,
        fit=fit,
        images=images,
        answers=answers,
        records=describe_records(fit, {name: key_of(one) for name, one in answers.items()}),
    )


def _images(parts: Parts, cell: Cell, split: Split, count: int) -> ImageSet:
    """The images of a split; pretraining does not see the sharp sky."""
    name = cell.test_dataset if split == "test" else cell.dataset
    task = parts.get("task", cell.task)
    sky = None
    if task.sky is not None and split != "pretraining":
        sky = (task.sky, parts.get("condition", task.sky.reference))
    return ImageSet(name, parts.get("dataset", name), split, count, cell.seeds.draw, sky)
