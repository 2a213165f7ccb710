"""From a study to its cells: every combination that its axes allow, each once."""

from __future__ import annotations

import fnmatch
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lensbench.api.budget import find_budget
from lensbench.errors import IncompatibleError, LensbenchError
from lensbench.registry import Catalogue, parse_reference
from lensbench.study.cell import Cell, Entrant, Seeds, View
from lensbench.study.defaults import (
    encoder_entrant,
    find_conditions,
    possible_conditions,
    usual_conditions,
)
from lensbench.study.spec import Axes, Block, Pretraining, Study

Check = Callable[[Cell], None]
"""Raises an error of a cell that cannot work."""

_What = tuple[Entrant, tuple[View, ...], str, View]
"""What decides whether a cell can work: entrant, views of its pretraining, task, training view."""


@dataclass(frozen=True)
class IncompatibleCells:
    """Cells that cannot be computed, and why.

    Attributes:
        cell: The first of them.
        reason: In one line.
        count: How many.
    """

    cell: Cell
    reason: str
    count: int


@dataclass(frozen=True)
class Expansion:
    """A study's cells.

    Attributes:
        cells: Those that can be computed.
        incompatible: Those that cannot, by what decides it.
    """

    cells: tuple[Cell, ...]
    incompatible: tuple[IncompatibleCells, ...]


def expand(catalogue: Catalogue, study: Study, check: Check) -> Expansion:
    """All cells of a study.

    A cell has only what it makes use of: a baseline has no pretraining seed, an encoder that is not
    pretrained no pretraining views, so combinations that differ in nothing else are one.

    Args:
        catalogue: The plugins.
        study: What to compare.
        check: Tries a cell; asked once for each entrant, with what it was pretrained on, task and
            dataset.

    Raises:
        UsageError: Where a name is unknown or an option is wrong.
    """
    reasons: dict[_What, str] = {}
    cells: dict[Cell, None] = {}
    lost: dict[_What, list[Any]] = {}
    expander = _Expander(catalogue, study)
    last, reason = None, ""
    for cell in itertools.chain.from_iterable(map(expander.cells, study.blocks())):
        what = (cell.entrant, cell.pretraining, cell.task, cell.train)
        if what != last:
            if what not in reasons:
                reasons[what] = expander.reason(cell, check)
            last, reason = what, reasons[what]
        if not reason:
            cells[cell] = None
        else:
            lost.setdefault(what, [cell, reason, set()])[2].add(cell)
    incompatible = tuple(
        IncompatibleCells(first, reason, len(all_)) for first, reason, all_ in lost.values()
    )
    return Expansion(tuple(cells), incompatible)


class _Expander:
    """Makes the cells of a study, with names of plugins in canonical form."""

    def __init__(self, catalogue: Catalogue, study: Study) -> None:
        self.catalogue = catalogue
        self.study = study
        self.budget = find_budget(study.budget)
        self._entrant = functools.cache(functools.partial(encoder_entrant, catalogue))

    def cells(self, block: Block) -> Iterator[Cell]:
        """The cells of one block, but for those that are excluded."""
        catalogue, study, axes = self.catalogue, self.study, block.axes
        seeds = [study.seeds.values(axis) for axis in ("draw", "pretraining", "fit")]
        labels = dict.fromkeys(self._labels(count) for count in axes.labels)
        tasks = dict.fromkeys(catalogue.canonical("task", text) for text in axes.task)
        datasets = dict.fromkeys(catalogue.canonical("dataset", text) for text in axes.dataset)
        for task, dataset in itertools.product(tasks, datasets):
            ranked = dict.fromkeys([*self._encoders(axes, task), *self._baselines(axes, task)])
            for condition in self._train_conditions(axes, dataset):
                train = View(dataset, condition)
                tests = self._tests(train)
                seen_by = functools.cache(
                    functools.partial(self._pretrained_on, block.pretraining, train)
                )
                for entrant, count in itertools.product(ranked, labels):
                    if self._excluded(entrant, task, train, count):
                        continue
                    seen = seen_by(entrant.pretraining)
                    for target in self._targets(axes, entrant, tests):
                        for chance in dict.fromkeys(self._seeds(entrant, *seeds)):
                            yield Cell(
                                entrant,
                                task,
                                train,
                                tests,
                                seen,
                                target,
                                count,
                                chance,
                                self.budget.name,
                            )

    def reason(self, cell: Cell, check: Check) -> str:
        """Why a cell cannot be; empty where it can."""
        try:
            check(cell)
        except IncompatibleError as error:
            return f"{error.message}; {error.hint}"
        except LensbenchError as error:
            if error.exit_code != IncompatibleError.exit_code:
                return error.message
            raise
        return ""

    def _labels(self, count: int | str) -> int | None:
        if isinstance(count, str) or count >= self.budget.train_scenes:
            return None
        return count

    def _encoders(self, axes: Axes, task: str) -> list[Entrant]:
        """Entrants with an encoder; `reference` stands for those that train a head of the task."""
        trainable = self.catalogue.type_of("task", task).trainable
        reference = [
            item.entry.name
            for item in self.catalogue.of_kind("encoder")
            if item.entry.reference and trainable
        ]
        encoders = itertools.chain.from_iterable(
            reference if text == "reference" else (text,) for text in axes.encoder
        )
        return [
            self._entrant(*names)
            for names in itertools.product(encoders, axes.pretraining, axes.transfer)
        ]

    def _baselines(self, axes: Axes, task: str) -> Iterator[Entrant]:
        name = parse_reference(task).name
        for text in axes.baseline:
            if text != "auto":
                yield Entrant(baseline=self.catalogue.canonical("baseline", text))
                continue
            for item in self.catalogue.of_kind("baseline"):
                if name in item.entry.tasks and name not in item.entry.by_name:
                    yield Entrant(baseline=item.entry.name)

    def _train_conditions(self, axes: Axes, dataset: str) -> tuple[str, ...]:
        usual = usual_conditions(self.catalogue, dataset)[:1]
        named = itertools.chain.from_iterable(
            usual if text == "usual" else (text,) for text in axes.train_condition
        )
        return find_conditions(self.catalogue, dataset, tuple(named))

    def _tests(self, train: View) -> tuple[View, ...]:
        tests: dict[View, None] = {}
        for text in self.study.tests.dataset:
            dataset = train.dataset if text == "same" else self._canonical("dataset", text)
            usual = usual_conditions(self.catalogue, dataset, train.condition)
            if parse_reference(train.condition).name not in possible_conditions(
                self.catalogue, dataset
            ):
                raise IncompatibleError(
                    f"{train.dataset!r} and {dataset!r} share no condition",
                    "images that were observed already are trained and tested on by themselves",
                )
            named = itertools.chain.from_iterable(
                usual if text == "usual" else (text,) for text in self.study.tests.condition
            )
            for condition in (
                train.condition,
                *find_conditions(self.catalogue, dataset, tuple(named)),
            ):
                tests[View(dataset, condition)] = None
        return (*(view for view in tests if view == train), *sorted(set(tests) - {train}))

    def _pretrained_on(self, wanted: Pretraining, train: View, strategy: str) -> tuple[View, ...]:
        if not strategy or not self.catalogue.type_of("pretraining", strategy).needs_images:
            return ()
        views: dict[View, None] = {}
        for text in wanted.dataset:
            dataset = train.dataset if text == "same" else self._canonical("dataset", text)
            words = {
                "train": train.condition,
                "usual": usual_conditions(self.catalogue, dataset, train.condition)[0],
            }
            named = tuple(words.get(text, text) for text in wanted.condition)
            for condition in find_conditions(self.catalogue, dataset, named):
                views[View(dataset, condition)] = None
        return tuple(sorted(views))

    def _targets(
        self, axes: Axes, entrant: Entrant, tests: tuple[View, ...]
    ) -> tuple[View | None, ...]:
        if not entrant.transfer:
            return (None,)
        if not self.catalogue.type_of("transfer", entrant.transfer).adapts:
            return (None,)
        last = tests[-1]
        datasets = [self._canonical("dataset", text) for text in axes.adapt_dataset]
        return tuple(
            View(dataset, condition)
            for dataset in datasets or [last.dataset]
            for condition in find_conditions(
                self.catalogue, dataset, axes.adapt_condition or (last.condition,)
            )
        )

    def _seeds(
        self,
        entrant: Entrant,
        draw: tuple[int, ...],
        pretraining: tuple[int, ...],
        fit: tuple[int, ...],
    ) -> Iterator[Seeds]:
        for combination in itertools.product(draw, pretraining if entrant.encoder else (0,), fit):
            yield Seeds(*combination)

    def _excluded(self, entrant: Entrant, task: str, train: View, labels: int | None) -> bool:
        facts = {
            "task": task,
            "encoder": entrant.encoder,
            "pretraining": entrant.pretraining,
            "transfer": entrant.transfer,
            "baseline": entrant.baseline,
            "dataset": train.dataset,
            "train_condition": train.condition,
            "labels": "all" if labels is None else str(labels),
        }
        return any(_matches(block, facts) for block in self.study.exclude)

    def _canonical(self, kind: Any, text: str) -> str:
        return self.catalogue.canonical(kind, text)


def _matches(block: Mapping[str, Any], facts: Mapping[str, str]) -> bool:
    """Whether all that a block names fits, by full name or by the name without options."""
    for key, wanted in block.items():
        patterns = wanted if isinstance(wanted, list | tuple) else [wanted]
        fact = facts[key]
        names = (fact, fact.partition(":")[0])
        if not fact or not any(
            fnmatch.fnmatchcase(name, str(pattern)) for pattern in patterns for name in names
        ):
            return False
    return True
