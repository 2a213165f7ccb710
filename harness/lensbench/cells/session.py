"""Computes cells: what the store has is read, the rest is made and kept."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
import torch

from lensbench.api.budget import find_budget
from lensbench.api.condition import Condition
from lensbench.api.dataset import Split
from lensbench.api.entry import Kind
from lensbench.api.predictor import FitContext, Predictor
from lensbench.api.samples import Samples
from lensbench.cells.code import code_of
from lensbench.cells.images import ImageSet, ensure_images, read_samples
from lensbench.cells.score import as_arrays, record_of, score
from lensbench.cells.weights import build_encoder, load_weights, pretrain, save_weights
from lensbench.errors import LensbenchError, UsageError
from lensbench.registry import Catalogue
from lensbench.sky.seeds import seed_of
from lensbench.store import Store, key_of
from lensbench.store.predictions import predictions_suffix, read_predictions, write_predictions
from lensbench.store.records import read_records, records_frame
from lensbench.study.cell import Cell
from lensbench.study.describe import (
    Code,
    Description,
    describe_fit,
    describe_predictions,
    describe_records,
    describe_weights,
)
from lensbench.study.plan import check_targets

Watch = Callable[[str, int, int, str], None]
"""Called with a stage, steps done, steps in all and a word on the state."""


@dataclass
class Session:
    """All that cells share: plugins, store, device and who watches."""

    catalogue: Catalogue
    store: Store
    watch: Watch
    device: torch.device
    _built: dict[tuple[Kind, str], Any] = field(default_factory=dict)

    def check(self, cell: Cell) -> None:
        """Refuses a cell that cannot work, before anything runs.

        Raises:
            IncompatibleError: Where a target is missing.
            DataError: Where a file of a dataset cannot be used.
        """
        task = self.plugin("task", cell.task)
        strategy_needs: tuple[str, ...] = ()
        if cell.entrant.pretraining:
            strategy = self.plugin("pretraining", cell.entrant.pretraining)
            strategy_needs = strategy.targets
            encoder = build_encoder(self.catalogue, cell, channels=1)
            strategy.objective(encoder, 1, self.plugin("dataset", cell.dataset).targets)
        check_targets(self.catalogue, cell.task, (*task.targets, *strategy_needs), cell.dataset)
        check_targets(self.catalogue, cell.task, task.targets, cell.test_dataset)
        if self.plugin("dataset", cell.dataset).size("train") == 0:
            raise UsageError(
                f"dataset {cell.dataset!r} has no training scenes",
                "give it to --test-dataset and train on another",
            )

    def run(self, cell: Cell) -> pl.DataFrame:
        """The records of a cell. A failure is recorded as such, and never kept as a result."""
        try:
            return self._run(cell)
        except LensbenchError as error:
            if error.exit_code != 1:
                raise
            return self._failed(cell, error.message)
        except (RuntimeError, ValueError, MemoryError, ArithmeticError, TypeError) as error:
            return self._failed(cell, f"{type(error).__name__}: {error}".splitlines()[0])

    def plugin(self, kind: Kind, text: str) -> Any:
        """A plugin of this session, built once."""
        if (kind, text) not in self._built:
            self._built[kind, text] = self.catalogue.build(kind, text)
        return self._built[kind, text]

    @functools.cached_property
    def _code(self) -> Code:
        return code_of(self.catalogue, torch.__version__)

    def _run(self, cell: Cell) -> pl.DataFrame:
        budget = find_budget(cell.budget)
        conditions = [self.plugin("condition", name) for name in cell.test_conditions]
        labels = min(cell.labels or budget.train_scenes, budget.train_scenes)
        train_set = self._images(cell, "train", labels)
        validation_set = self._images(cell, "validation", budget.validation_scenes)
        test_set = self._images(cell, "test", budget.test_scenes)
        train_condition = self.plugin("condition", cell.train_condition)
        train_key = self._ensure(train_set, [train_condition])[cell.train_condition]
        validation_key = self._ensure(validation_set, [train_condition])[cell.train_condition]
        test_keys = self._ensure(test_set, conditions)

        weights_description = self._weights_description(cell)
        weights = key_of(weights_description) if weights_description else ""
        fit = describe_fit(cell, weights, train_key, validation_key, self._code)
        answers = {c: describe_predictions(fit, key) for c, key in test_keys.items()}
        answer_keys = {c: key_of(description) for c, description in answers.items()}
        record_description = describe_records(fit, answer_keys)
        record_key = key_of(record_description)
        stored = self.store.find("records", record_key)
        if stored is not None:
            return read_records([stored])

        stages: dict[str, float] = {"pretraining": 0.0}
        seconds: dict[str, float] = {}
        missing = [
            c for c, key in answer_keys.items() if self.store.find("predictions", key) is None
        ]
        if missing:
            encoder = self._encoder(cell, weights, weights_description, stages)
            train = read_samples(self.store, train_set, train_condition, train_key)
            validation = read_samples(self.store, validation_set, train_condition, validation_key)
            predictor, stages["fit"] = self._fit(cell, encoder, train, validation)
            for name in missing:
                condition = self.plugin("condition", name)
                samples = read_samples(self.store, test_set, condition, test_keys[name])
                seconds[name] = self._predict(cell, predictor, samples, answers[name])
        rows = self._score(cell, test_set, conditions, test_keys, answer_keys, stages, seconds)
        frame = records_frame(rows).with_columns(cell=pl.lit(key_of(fit)))
        with self.store.writing("records", record_key, ".parquet", record_description) as path:
            frame.write_parquet(path)
        return frame

    def _images(self, cell: Cell, split: Split, count: int) -> ImageSet:
        name = cell.test_dataset if split == "test" else cell.dataset
        task = self.plugin("task", cell.task)
        sky = None
        if task.sky is not None and split != "pretraining":
            sky = (task.sky, self.plugin("condition", task.sky.reference))
        return ImageSet(name, self.plugin("dataset", name), split, count, cell.seeds.draw, sky)

    def _ensure(self, wanted: ImageSet, conditions: list[Condition]) -> dict[str, str]:
        stage = f"{wanted.split} scenes of {wanted.name}"
        return ensure_images(
            self.store, wanted, conditions, self._code, functools.partial(self.watch, stage)
        )

    def _pretraining_images(self, cell: Cell) -> ImageSet:
        budget = find_budget(cell.budget)
        return self._images(cell, "pretraining", budget.pretraining_scenes)

    def _weights_description(self, cell: Cell) -> Description | None:
        if not cell.entrant.encoder:
            return None
        condition = self.plugin("condition", cell.train_condition)
        images = self._pretraining_images(cell).describe(condition, self._code)
        return describe_weights(cell, key_of(images), self._code)

    def _encoder(
        self, cell: Cell, key: str, description: Description | None, stages: dict[str, float]
    ) -> Any:
        """The pretrained encoder of a cell, or `None` for a baseline."""
        if description is None:
            return None
        wanted = self._pretraining_images(cell)
        encoder = build_encoder(self.catalogue, cell, channels=1)
        stored = load_weights(self.store, key, encoder)
        if stored is None:
            condition = self.plugin("condition", cell.train_condition)
            images = self._ensure(wanted, [condition])[cell.train_condition]
            samples = read_samples(self.store, wanted, condition, images)
            start = time.perf_counter()
            stage = f"pretraining {cell.entrant.encoder} by {cell.entrant.pretraining}"
            encoder = pretrain(
                self.catalogue, cell, samples, find_budget(cell.budget), self.device,
                functools.partial(self.watch, stage),
            )  # fmt: skip
            stored = time.perf_counter() - start
            save_weights(self.store, key, description, encoder, stored)
        stages["pretraining"] = stored
        return encoder.to(self.device)

    def _fit(
        self, cell: Cell, encoder: Any, train: Samples, validation: Samples
    ) -> tuple[Predictor, float]:
        seed = seed_of("fit", cell.task, cell.seeds.fit)
        entrant = cell.entrant
        context = FitContext(
            task=self.plugin("task", cell.task),
            train=train.to(self.device),
            validation=validation.to(self.device),
            budget=find_budget(cell.budget),
            seed=seed,
            report=functools.partial(self.watch, f"fitting {entrant.label}"),
        )
        start = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if entrant.baseline:
                predictor = self.plugin("baseline", entrant.baseline).fit(context)
            else:
                predictor = self.plugin("transfer", entrant.transfer).fit(encoder, context)
        return predictor, time.perf_counter() - start

    def _predict(
        self, cell: Cell, predictor: Predictor, samples: Samples, description: Description
    ) -> float:
        """Answers for samples, their targets withheld; kept in the store."""
        blind = replace(samples, targets={}).to(self.device)
        start = time.perf_counter()
        with torch.no_grad():
            predictions = as_arrays(predictor(blind), len(samples))
        seconds = time.perf_counter() - start
        self.watch(f"predicting by {cell.entrant.label}", 1, 1, samples.condition.name)
        key, suffix = key_of(description), predictions_suffix(predictions)
        with self.store.writing("predictions", key, suffix, description) as path:
            write_predictions(path, samples.ids, predictions)
        return seconds

    def _score(
        self,
        cell: Cell,
        test_set: ImageSet,
        conditions: list[Condition],
        test_keys: Mapping[str, str],
        answer_keys: Mapping[str, str],
        stages: Mapping[str, float],
        seconds: Mapping[str, float],
    ) -> list[dict[str, Any]]:
        task = self.plugin("task", cell.task)
        budget = find_budget(cell.budget)
        rows = []
        for done, condition in enumerate(conditions):
            name = condition.name
            samples = read_samples(self.store, test_set, condition, test_keys[name])
            path = self.store.find("predictions", answer_keys[name])
            if path is None:
                raise UsageError(f"predictions {answer_keys[name]} are gone from the store")
            _, predictions = read_predictions(path)
            for metric in task.metrics:
                interval = score(metric, predictions, samples, budget.resamples)
                rows.append(
                    self._row(cell, name)
                    | record_of(metric, interval, metric is task.metrics[0])
                    | {
                        "state": "done",
                        "data_range": test_set.dataset.data_range if task.sky else None,
                        "seconds_pretraining": stages.get("pretraining"),
                        "seconds_fit": stages.get("fit"),
                        "seconds_predict": seconds.get(name),
                        "predictions": answer_keys[name],
                        "images": test_keys[name],
                    }
                )
            self.watch(f"scoring {cell.entrant.label}", done + 1, len(conditions), name)
        return rows

    def _row(self, cell: Cell, test_condition: str) -> dict[str, Any]:
        entrant = cell.entrant
        return {
            "entrant": entrant.label,
            "encoder": entrant.encoder,
            "pretraining": entrant.pretraining,
            "transfer": entrant.transfer,
            "baseline": entrant.baseline,
            "task": cell.task,
            "dataset": cell.dataset,
            "test_dataset": cell.test_dataset,
            "train_condition": cell.train_condition,
            "test_condition": test_condition,
            "budget": cell.budget,
            "labels": cell.labels,
            "seed_draw": cell.seeds.draw,
            "seed_pretraining": cell.seeds.pretraining,
            "seed_fit": cell.seeds.fit,
            "device": str(self.device),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "lensbench": self._code.harness,
        }

    def _failed(self, cell: Cell, error: str) -> pl.DataFrame:
        rows = []
        task = self.plugin("task", cell.task)
        for name in cell.test_conditions:
            metric = task.metrics[0]
            rows.append(
                self._row(cell, name)
                | {
                    "state": "failed",
                    "error": error,
                    "metric": metric.name,
                    "unit": metric.unit,
                    "higher_is_better": metric.higher_is_better,
                    "primary": True,
                }
            )
        return records_frame(rows)
