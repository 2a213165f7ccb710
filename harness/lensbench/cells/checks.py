"""Refuses a cell that cannot work, before anything runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lensbench.api.dataset import ObservedDataset
from lensbench.api.predictor import Transfer
from lensbench.cells.images import seen_by
from lensbench.cells.plugins import Plugins
from lensbench.cells.weights import build_encoder
from lensbench.errors import IncompatibleError, LensbenchError, UsageError
from lensbench.registry import Catalogue, parse_reference
from lensbench.study.cell import Cell, View

_SAME = 0.02
"""Relative difference of pixel scales below which images of pairs count as sampled alike."""


class Checks:
    """Tries how the plugins of cells fit together, each combination once."""

    def __init__(self, plugins: Plugins) -> None:
        self.plugins = plugins
        self._passed: set[tuple[object, ...]] = set()
        self._refused: dict[tuple[str, str, str], LensbenchError | None] = {}
        self._looked_at: tuple[tuple[str, int], Any] = (("", 0), None)

    def check(self, cell: Cell) -> None:
        """Passes a cell, or says why it cannot work.

        Raises:
            IncompatibleError: Where a target is missing, or what a strategy needs.
            DataError: Where a file of a dataset cannot be used.
            UsageError: Where a dataset has no scenes for a split.
        """
        self._check_bands(cell)
        self._check_pair(cell)
        task = self.plugins.get("task", cell.task)
        datasets = {view.dataset for view in cell.tests}
        conditions = {view.condition for view in cell.tests} if task.sky else set()
        what = (cell.entrant, cell.task, cell.train, *sorted(datasets), *sorted(conditions))
        if what in self._passed:
            return
        needs = tuple(task.targets)
        self._check_scope(cell)
        if cell.entrant.encoder:
            needs += self._check_encoder(cell)
        self._check_targets(cell.task, needs, cell.train.dataset)
        self._check_scenes(cell.train.dataset, "train")
        for dataset in datasets:
            self._check_targets(cell.task, tuple(task.targets), dataset)
            self._check_scenes(dataset, "test")
        self._check_pixels(cell)
        self._passed.add(what)

    def _check_bands(self, cell: Cell) -> None:
        """Refuses images of other bands than those trained on, and tasks that have one band."""
        wanted = self.plugins.channels(cell.train)
        trained = self.plugins.get("condition", cell.train.condition).bands
        target = (cell.target,) if cell.target else ()
        for view in (cell.train, *cell.tests, *cell.pretraining, *target):
            condition = self.plugins.get("condition", view.condition)
            held = self.plugins.channels(view)
            if held != wanted and (cell.entrant.encoder or condition.bands or trained):
                raise IncompatibleError(
                    f"{view.dataset!r} has {held} bands under {view.condition!r}, and "
                    f"{cell.train.dataset!r} has {wanted} under {cell.train.condition!r}",
                    "take images of the same bands, or choose one with channel=",
                )
            if condition.bands and self.plugins.get("task", cell.task).sky is not None:
                raise IncompatibleError(
                    f"task {cell.task!r} has images of one band, and {view.condition!r} has {held}",
                    f"name one of them, e.g. {condition.reference.name}",
                )

    def _check_pair(self, cell: Cell) -> None:
        """Refuses a paired pretraining under one condition only."""
        if not cell.pretraining:
            return
        for view in cell.pretraining:
            self._check_scenes(view.dataset, "pretraining")
        strategy = self.plugins.get("pretraining", cell.entrant.pretraining)
        datasets = Counter(view.dataset for view in cell.pretraining)
        if strategy.paired and min(datasets.values()) < 2:
            raise IncompatibleError(
                f"pretraining {cell.entrant.pretraining!r} needs two views of the same scenes",
                "name two or more conditions to pretrain under: --pretraining-conditions A,B",
            )

    def _check_scope(self, cell: Cell) -> None:
        """Refuses a baseline or transfer for a task that it does not do."""
        entrant = cell.entrant
        kind, text = (
            ("baseline", entrant.baseline) if entrant.baseline else ("transfer", entrant.transfer)
        )
        name, task = parse_reference(text).name, parse_reference(cell.task).name
        entry = self.plugins.catalogue.find(kind, name).entry  # type: ignore[arg-type]
        if task in entry.tasks:
            return
        if entrant.baseline or entry.tasks:
            raise IncompatibleError(
                f"{kind} {name!r} does not do task {task!r}", f"it does: {', '.join(entry.tasks)}"
            )
        if not self.plugins.get("task", cell.task).trainable:
            able = [
                item.entry.name
                for item in self.plugins.catalogue.of_kind("transfer")
                if task in item.entry.tasks
            ]
            raise IncompatibleError(
                f"task {task!r} has no head for transfer {name!r} to train",
                f"transfers that do it: {', '.join(able) or 'none installed'}",
            )

    def _check_encoder(self, cell: Cell) -> tuple[str, ...]:
        """Tries strategy and transfer on the encoder; gives the targets that the former needs."""
        entrant = cell.entrant
        strategy = self.plugins.get("pretraining", entrant.pretraining)
        transfer = self.plugins.get("transfer", entrant.transfer)
        dataset = self.plugins.get("dataset", cell.train.dataset)
        channels = self.plugins.channels(cell.train)
        if type(transfer).check is not Transfer.check:  # an encoder is built for those that look
            encoder = self._encoder(cell, channels)
            transfer.check(encoder, parse_reference(entrant.pretraining).name)
        what = (entrant.encoder, entrant.pretraining, f"{cell.train.dataset} {channels}")
        if what not in self._refused:
            encoder = build_encoder(self.plugins.catalogue, cell, channels)
            try:
                strategy.objective(encoder, channels, dataset.targets)
                self._refused[what] = None
            except LensbenchError as error:
                self._refused[what] = error
        if (refused := self._refused[what]) is not None:
            raise refused.with_traceback(None)
        return tuple(strategy.targets)

    def _encoder(self, cell: Cell, channels: int) -> Any:
        """One to be looked at and not changed: the last one, where it is the same."""
        what = (cell.entrant.encoder, channels)
        if self._looked_at[0] != what:
            self._looked_at = (what, build_encoder(self.plugins.catalogue, cell, channels))
        return self._looked_at[1]

    def _check_targets(self, task: str, needs: tuple[str, ...], name: str) -> None:
        """Refuses a dataset that lacks a target, or the class that a task calls normal."""
        dataset = self.plugins.get("dataset", name)
        targets = dataset.targets
        missing = set(needs) - set(targets)
        if missing:
            reference = parse_reference(name)
            entry = self.plugins.catalogue.find("dataset", reference.name).entry
            if (
                not reference.options
                and set(targets) <= set(entry.targets)
                and not missing <= set(entry.targets)
            ):
                check_targets(self.plugins.catalogue, task, needs, name)
            raise IncompatibleError(
                f"dataset {name!r} has no target {min(missing)!r} with these options, "
                f"which task {parse_reference(task).name!r} needs",
                dataset.hints.get(min(missing))
                or f"it has: {', '.join(targets) or 'none'}; "
                f"{_others_with(self.plugins.catalogue, needs)}; "
                f"`lensbench show {entry.name}` lists its options",
            )
        normal = self.plugins.normal(task)
        if normal and normal[1] not in targets[normal[0]].classes:
            raise IncompatibleError(
                f"dataset {name!r} has no class {normal[1]!r}, which task {task!r} calls normal",
                f"normal= is one of {', '.join(targets[normal[0]].classes)}",
            )
        self._check_sampling(task, name)

    def _check_sampling(self, task: str, name: str) -> None:
        """Refuses pairs of images whose sampling is not what the task wants."""
        wanted = self.plugins.get("task", task).sky
        dataset = self.plugins.get("dataset", name)
        held = dataset.upsample if isinstance(dataset, ObservedDataset) else None
        if wanted is None or held is None or (not wanted.fixed and wanted.upsample == held):
            return
        asked = f"pixels of {wanted.pixel_scale:g} arcsec"
        right = "denoising" if held == 1 else f"superres:scale={held}"
        raise IncompatibleError(
            f"the pairs of {name!r} are sampled {held} times as finely, "
            f"and task {task!r} wants {asked if wanted.fixed else f'{wanted.upsample} times'}",
            f"--task {right}",
        )

    def _check_pixels(self, cell: Cell) -> None:
        """Refuses test conditions under which a target that divides pixels has other ones."""
        sky = self.plugins.get("task", cell.task).sky
        if sky is None or sky.fixed or sky.upsample == 1:
            return
        views = (cell.train, *cell.tests)
        fine = [self._pixel_scale(view) / sky.upsample for view in views]
        for view, pixel in zip(views, fine, strict=True):
            if abs(pixel / fine[0] - 1) > _SAME:
                raise IncompatibleError(
                    f"the targets of task {cell.task!r} have pixels of {pixel:.3g} arcsec under "
                    f"{view.condition!r}, and of {fine[0]:.3g} arcsec under "
                    f"{cell.train.condition!r}",
                    "leave out scale: then the target has the same pixels under every condition",
                )

    def _pixel_scale(self, view: View) -> float:
        """Side of a pixel of a dataset's images under a condition [arcsec]."""
        condition = self.plugins.get("condition", view.condition)
        return float(seen_by(self.plugins.get("dataset", view.dataset), condition).pixel_scale)

    def _check_scenes(self, name: str, split: str) -> None:
        if self.plugins.get("dataset", name).size(split) == 0:
            raise UsageError(
                f"dataset {name!r} has no scenes in its split {split!r}",
                "train on a dataset that has, and give this one to --test-dataset",
            )


def check_targets(catalogue: Catalogue, task: str, needed: tuple[str, ...], dataset: str) -> None:
    """Refuses a dataset that does not provide what a task needs, and names those that do.

    Raises:
        IncompatibleError: Where a target is missing.
    """
    registered = catalogue.find("dataset", parse_reference(dataset).name)
    missing = [name for name in needed if name not in registered.entry.targets]
    if missing:
        raise IncompatibleError(
            f"dataset {registered.entry.name!r} has no target {missing[0]!r}, "
            f"which task {parse_reference(task).name!r} needs",
            _others_with(catalogue, needed),
        )


def _others_with(catalogue: Catalogue, needed: tuple[str, ...]) -> str:
    """The datasets that have all of these targets, in words."""
    fitting = [
        item.entry.name
        for item in catalogue.of_kind("dataset")
        if set(needed) <= set(item.entry.targets)
    ]
    return f"datasets that do: {', '.join(fitting) or 'none installed'}"
