"""Computes cells: what the store has is read, the rest is made and kept."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
import torch

from lensbench.api.condition import Condition
from lensbench.api.predictor import FitContext, Predictor
from lensbench.api.samples import Samples
from lensbench.cells.images import ImageSet, ensure_images, read_samples
from lensbench.cells.resolved import Parts, Resolved, resolve
from lensbench.cells.rows import done_rows, failed_rows
from lensbench.cells.score import as_arrays
from lensbench.cells.weights import build_encoder, load_weights, pretrain, save_weights
from lensbench.errors import IncompatibleError, LensbenchError, RunError, UsageError
from lensbench.registry import Catalogue
from lensbench.sky.seeds import seed_of
from lensbench.store import Store, key_of
from lensbench.store.predictions import predictions_suffix, read_predictions, write_predictions
from lensbench.store.records import read_records, records_frame
from lensbench.study.cell import Cell
from lensbench.study.plan import check_targets

Watch = Callable[[str, int, int, str], None]
"""Called with a stage, steps done, steps in all and a word on the state."""

FAULTS = (RuntimeError, ValueError, MemoryError, ArithmeticError, TypeError, LookupError)
"""What plugin code may raise; it fails its cell and no other."""


class Session:
    """All that cells share.

    Args:
        catalogue: The plugins.
        store: Where artefacts are kept.
        watch: Told of every step.
        device: Where tensors live while something is trained.
    """

    def __init__(
        self, catalogue: Catalogue, store: Store, watch: Watch, device: torch.device
    ) -> None:
        self.parts = Parts(catalogue, torch.__version__)
        self.store = store
        self.watch = watch
        self.device = device

    def check(self, cell: Cell) -> None:
        """Refuses a cell that cannot work, before anything runs.

        Raises:
            IncompatibleError: Where a target is missing, or what a strategy needs.
            DataError: Where a file of a dataset cannot be used.
            UsageError: Where a dataset has no scenes for a split.
        """
        catalogue = self.parts.catalogue
        task = self.parts.get("task", cell.task)
        dataset = self.parts.get("dataset", cell.dataset)
        needs = task.targets
        if cell.entrant.encoder:
            strategy = self.parts.get("pretraining", cell.entrant.pretraining)
            encoder = build_encoder(catalogue, cell, dataset.channels)
            strategy.objective(encoder, dataset.channels, dataset.targets)
            needs = (*needs, *strategy.targets)
        check_targets(catalogue, cell.task, needs, cell.dataset)
        for name, wanted in ((cell.dataset, needs), (cell.test_dataset, task.targets)):
            missing = set(wanted) - set(self.parts.get("dataset", name).targets)
            if missing:
                raise IncompatibleError(
                    f"dataset {name!r} has no target {min(missing)!r} with these options",
                    f"lensbench show {cell.dataset.partition(':')[0]} lists its options",
                )
        check_targets(catalogue, cell.task, task.targets, cell.test_dataset)
        for split, name in (("train", cell.dataset), ("test", cell.test_dataset)):
            if self.parts.get("dataset", name).size(split) == 0:
                raise UsageError(
                    f"dataset {name!r} has no scenes in its split {split!r}",
                    "train on a dataset that has, and give this one to --test-dataset",
                )

    def run(self, cell: Cell) -> pl.DataFrame:
        """The records of a cell. A failure is recorded as such, and never kept as a result."""
        resolved = resolve(self.parts, cell)
        stored = self.store.find("records", key_of(resolved.records))
        if stored is not None:
            return read_records([stored])
        try:
            frame = records_frame(self._rows(resolved))
        except LensbenchError as error:
            if error.exit_code != RunError.exit_code:
                raise
            return records_frame(failed_rows(resolved, error.message, self.device))
        except FAULTS as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            return records_frame(failed_rows(resolved, reason, self.device))
        description = resolved.records
        with self.store.writing("records", key_of(description), ".parquet", description) as path:
            frame.write_parquet(path)
        return frame

    def _rows(self, resolved: Resolved) -> list[dict[str, Any]]:
        """Makes what is missing of a cell and scores it."""
        self._ensure(resolved.test, resolved.conditions)
        costs: dict[str, float] = {}
        missing = [
            condition
            for condition in resolved.conditions
            if self.store.find("predictions", key_of(resolved.answers[condition.name])) is None
        ]
        if missing:
            encoder = self._encoder(resolved, costs)
            predictor = self._fit(resolved, encoder, costs)
            for condition in missing:
                self._predict(resolved, predictor, condition, costs)
        rows = []
        for done, condition in enumerate(resolved.conditions):
            samples = self._test_samples(resolved, condition)
            path = self.store.find("predictions", key_of(resolved.answers[condition.name]))
            if path is None:
                raise RunError("predictions vanished from the store", "run the command again")
            ids, predictions = read_predictions(path)
            if tuple(ids) != samples.ids:
                raise RunError(f"predictions {path.name} are of other scenes than the test images")
            rows += done_rows(resolved, samples, predictions, costs, self.device)
            label = resolved.cell.entrant.label
            self.watch(f"scoring {label}", done + 1, len(resolved.conditions), condition.name)
        return rows

    def _ensure(self, wanted: ImageSet, conditions: Sequence[Condition]) -> dict[str, str]:
        stage = f"{wanted.split} scenes of {wanted.name}"
        watch = functools.partial(self.watch, stage)
        return ensure_images(self.store, wanted, conditions, self.parts.code, watch)

    def _samples(self, wanted: ImageSet, condition: Condition) -> Samples:
        key = self._ensure(wanted, [condition])[condition.name]
        return read_samples(self.store, wanted, condition, key)

    def _test_samples(self, resolved: Resolved, condition: Condition) -> Samples:
        return read_samples(self.store, resolved.test, condition, resolved.images[condition.name])

    def _encoder(self, resolved: Resolved, costs: dict[str, float]) -> Any:
        """The pretrained encoder of a cell, or `None` for a baseline."""
        cell, wanted, description = resolved.cell, resolved.pretraining, resolved.weights
        if wanted is None or description is None:
            return None
        catalogue, key = self.parts.catalogue, key_of(description)
        encoder = build_encoder(catalogue, cell, wanted.dataset.channels)
        seconds = load_weights(self.store, key, encoder)
        if seconds is None:
            samples = self._samples(wanted, resolved.train_condition)
            start = time.perf_counter()
            stage = f"pretraining {cell.entrant.encoder} by {cell.entrant.pretraining}"
            watch = functools.partial(self.watch, stage)
            encoder = pretrain(catalogue, cell, samples, resolved.budget, self.device, watch)
            seconds = time.perf_counter() - start
            save_weights(self.store, key, description, encoder, seconds)
        costs["pretraining"] = seconds
        costs["parameters"] = sum(p.numel() for p in encoder.parameters())
        return encoder.to(self.device)

    def _fit(self, resolved: Resolved, encoder: Any, costs: dict[str, float]) -> Predictor:
        """Fits a cell's entrant, on scenes that are in no other split."""
        cell, home = resolved.cell, resolved.train_condition
        train = self._samples(resolved.train, home)
        validation = self._samples(resolved.validation, home)
        _assert_disjoint(train, validation, self._test_samples(resolved, resolved.conditions[0]))
        seed = seed_of("fit", cell.task, cell.seeds.fit)
        context = FitContext(
            task=resolved.task,
            train=train.to(self.device),
            validation=validation.to(self.device),
            budget=resolved.budget,
            seed=seed,
            report=functools.partial(self.watch, f"fitting {cell.entrant.label}"),
        )
        start = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            predictor: Predictor
            if encoder is None:
                predictor = self.parts.get("baseline", cell.entrant.baseline).fit(context)
            else:
                transfer = self.parts.get("transfer", cell.entrant.transfer)
                predictor = transfer.fit(encoder, context)
        costs["fit"] = time.perf_counter() - start
        return predictor

    def _predict(
        self,
        resolved: Resolved,
        predictor: Predictor,
        condition: Condition,
        costs: dict[str, float],
    ) -> None:
        """Answers for the test images of a condition, targets withheld; kept in the store."""
        samples = self._test_samples(resolved, condition)
        blind = replace(samples, targets={}).to(self.device)
        start = time.perf_counter()
        with torch.no_grad():
            predictions = as_arrays(predictor(blind), len(samples))
        costs[condition.name] = time.perf_counter() - start
        self.watch(f"predicting by {resolved.cell.entrant.label}", 1, 1, condition.name)
        description = resolved.answers[condition.name]
        key, suffix = key_of(description), predictions_suffix(predictions)
        with self.store.writing("predictions", key, suffix, description) as path:
            write_predictions(path, samples.ids, predictions)


def _assert_disjoint(*splits: Samples) -> None:
    """Refuses splits that share a scene.

    Raises:
        RunError: Naming a scene that two splits have.
    """
    seen: set[str] = set()
    for samples in splits:
        twice = seen & set(samples.ids)
        if twice:
            raise RunError(
                f"scene {min(twice)} is in two splits", "the dataset has to keep splits disjoint"
            )
        seen |= set(samples.ids)
