"""Makes artefacts: what the store has is read, the rest is computed by one worker and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensbench.api.predictor import FitContext, Predictor
from lensbench.api.progress import Progress, Report
from lensbench.api.samples import Samples
from lensbench.cells.answers import answers, blind
from lensbench.cells.features import with_features, write_features
from lensbench.cells.fits import (
    assert_disjoint,
    confined,
    fit,
    fit_seed,
    keep_fit,
    restore_fit,
    training_facts,
)
from lensbench.cells.images import ImageSet, Piece, ensure_images, read_samples
from lensbench.cells.resolved import Keys, Parts
from lensbench.cells.rows import done_rows
from lensbench.cells.weights import (
    build_encoder,
    load_weights,
    pretrain,
    pretraining_seed,
    save_weights,
)
from lensbench.errors import RunError
from lensbench.registry import load_catalogue
from lensbench.sky.seeds import seed_of
from lensbench.store import Store
from lensbench.store.predictions import predictions_suffix, read_predictions, write_predictions
from lensbench.store.records import records_frame
from lensbench.store.scores import scores_frame
from lensbench.study.cell import Cell, View
from lensbench.study.describe import Code, Numerics, describe_predictions
from lensbench.training.arithmetic import flops_of
from lensbench.training.checkpoints import keeping
from lensbench.training.costs import measured
from lensbench.training.others import Division
from lensbench.training.ranks import divided
from lensbench.training.team import Team

Watch = Callable[[str, int, int, str], None]
"""Called with a stage, steps done, steps in all and a word on the state."""


class Session:
    """What a worker has at hand from one job to the next.

    Every artefact is made under a claim, so that of several workers and sweeps one makes it
    and the others wait and read.

    Args:
        parts: The plugins and the keys.
        store: Where artefacts are kept.
        watch: Told of every step.
        checkpoint_seconds: Between the checkpoints of a training.
    """

    def __init__(
        self, parts: Parts, store: Store, watch: Watch, checkpoint_seconds: float = 60.0
    ) -> None:
        self.checkpoint_seconds = checkpoint_seconds
        self.parts = parts
        self.store = store
        self.watch = watch
        self.device = torch.device(parts.numerics.device)

    def images(self, wanted: ImageSet, pieces: Sequence[Piece]) -> None:
        """Makes those of these images and skies that the store lacks."""
        stage = f"{wanted.split} scenes of {wanted.name}"
        watch = functools.partial(self.watch, stage)
        ensure_images(self.store, wanted, pieces, self.parts.code, watch)

    def weights(self, cell: Cell, keys: Keys) -> Any:
        """The encoder of a cell before the task."""
        channels = self.parts.get("dataset", cell.train.dataset).channels
        encoder = build_encoder(self.parts.catalogue, cell, channels)
        if keys.pretraining and not load_weights(self.store, keys.weights, encoder):
            with self.store.claim("weights", keys.weights):
                if not load_weights(self.store, keys.weights, encoder):
                    encoder = self._pretrain(cell, keys)
        return encoder

    def features(self, cell: Cell, keys: Keys, view: View, split: str, maps: bool) -> list[str]:
        """Keys of the features of a split, pooled and maps, which are made where they lack."""
        images = self.parts.images_key(cell, view, split)
        parts = ("pooled", "maps") if maps else ("pooled",)
        found = {part: self.parts.features_key(cell, keys.weights, images, part) for part in parts}
        if not self._has_features(found):
            with self.store.claim("features", found["pooled"]):
                if not self._has_features(found):
                    self._encode(cell, keys, view, split, found)
        return list(found.values())

    def _has_features(self, keys: Mapping[str, str]) -> bool:
        return all(self.store.find("features", key) for key in keys.values())

    def records(self, cell: Cell) -> None:
        """Makes a cell's records: fit, answers and scores, each where the store lacks it.

        How scores vary over the scenes stands beside, of kind `scores` under the same key.
        """
        keys = self.parts.keys(cell)
        with self.store.claim("records", keys.records):
            lacking = [k for k in ("scores", "records") if self.store.find(k, keys.records) is None]
            if not lacking:
                return
            rows, scores = self._rows(cell, keys)
            if "scores" in lacking:
                beside = {"kind": "scores", "inputs": {"records": keys.records}}
                with self.store.writing("scores", keys.records, ".parquet", beside) as path:
                    scores_frame(scores).write_parquet(path)
            if "records" in lacking:
                described = self.parts.describe_records(cell, keys)
                with self.store.writing("records", keys.records, ".parquet", described) as path:
                    records_frame(rows).write_parquet(path)

    def pretrain(self, cell: Cell, team: Team) -> Any:
        """A cell's encoder, trained by one process of a team."""
        normal = self.parts.normal(cell)
        views = [confined(self._samples(cell, v, "pretraining"), normal) for v in cell.pretraining]
        stage = f"pretraining {cell.entrant.encoder} by {cell.entrant.pretraining}"
        budget = self.parts.budget(cell)
        report = self._reporter(stage)
        return pretrain(self.parts.catalogue, cell, views, budget, self.device, report, team)

    def _reporter(self, stage: str) -> Report:
        """Reports of a fit or a training, told as steps of a stage."""

        def report(progress: Progress) -> None:
            self.watch(stage, progress.done, progress.total, progress.text)

        return report

    def _pretrain(self, cell: Cell, keys: Keys) -> Any:
        for view in cell.pretraining:
            self._samples(cell, view, "pretraining")  # made here, so that all processes find them
        parts = self.parts
        part = functools.partial(part_of, self.store.root, parts.numerics, parts.code, cell)
        division = Division(parts.numerics, part)
        with self._keeping(keys.weights):
            with measured() as cost, divided(division, pretraining_seed(cell)) as team:
                encoder = self.pretrain(cell, team)
            described = self.parts.describe_weights(cell, keys.pretraining)
            save_weights(self.store, keys.weights, described, encoder, cost)
        return encoder

    def _keeping(self, key: str) -> AbstractContextManager[None]:
        """Trainings inside write checkpoints, and go on from those of an earlier try."""
        return keeping(self.store.root / "checkpoints" / key, self.checkpoint_seconds)

    def _encode(
        self, cell: Cell, keys: Keys, view: View, split: str, wanted: Mapping[str, str]
    ) -> None:
        """Makes those parts of the features that the store lacks."""
        encoder = self.weights(cell, keys)
        images = self.parts.images_key(cell, view, split)
        samples = self._samples(cell, view, split, with_sky=False)
        cost: dict[str, float] = {}
        with ExitStack() as stack:
            paths = {
                part: stack.enter_context(
                    self.store.writing(
                        "features",
                        key,
                        ".h5",
                        self.parts.describe_features(cell, keys.weights, images, part),
                        cost,
                    )
                )
                for part, key in wanted.items()
                if self.store.find("features", key) is None
            }
            with measured() as spent:
                write_features(paths, encoder, samples, self.device)
            cost.update(spent)
        self.watch(f"encoding by {cell.entrant.encoder}", 1, 1, view.condition)

    def _rows(self, cell: Cell, keys: Keys) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Makes what is missing of a cell and scores it: rows of records, and of scores."""
        for dataset in dict.fromkeys(view.dataset for view in cell.tests):
            self._ensure_tests(cell, dataset)
        fitted: tuple[Predictor, dict[str, Any]] | None = None
        rows, scores = [], []
        for done, (view, key) in enumerate(zip(cell.tests, keys.predictions, strict=True)):
            samples = self._samples(cell, view, "test")
            path = self.store.find("predictions", key)
            if path is None:
                fitted = fitted or self._predictor(cell, keys)
                predictions = self._predict(cell, keys, fitted, view, key)
            else:
                ids, predictions = read_predictions(path)
                if tuple(ids) != samples.ids:
                    raise RunError(
                        f"predictions {path.name} are of other scenes than the test images"
                    )
            cost = self.store.cost("predictions", key)
            made = done_rows(self.parts, cell, keys, view, samples, predictions, cost)
            rows += made[0]
            scores += made[1]
            stage = f"scoring {cell.entrant.label}"
            self.watch(stage, done + 1, len(cell.tests), view.condition)
        return rows, scores

    def _ensure_tests(self, cell: Cell, dataset: str) -> None:
        """All test images and skies of a dataset in one pass over its scenes."""
        views = [view for view in cell.tests if view.dataset == dataset]
        if all(self._has_images(cell, view, "test") for view in views):
            return
        pieces = [piece for view in views for piece in self._pieces(cell, view, "test")]
        self.images(self.parts.image_set(*self.parts.group(cell, views[0], "test")), pieces)

    def _has_images(self, cell: Cell, view: View, split: str, with_sky: bool = True) -> bool:
        sky = self.parts.sky_key(cell, view, split) if with_sky else ""
        images = self.store.find("images", self.parts.images_key(cell, view, split))
        return images is not None and (not sky or self.store.find("skies", sky) is not None)

    def _pieces(self, cell: Cell, view: View, split: str) -> list[Piece]:
        sky = (
            [self.parts.piece(view.condition, cell.task)] if self.parts.has_sky(cell, split) else []
        )
        return [self.parts.piece(view.condition), *sky]

    def _samples(self, cell: Cell, view: View, split: str, with_sky: bool = True) -> Samples:
        wanted = self.parts.image_set(*self.parts.group(cell, view, split))
        pieces = self._pieces(cell, view, split)
        if not self._has_images(cell, view, split, with_sky):
            self.images(wanted, pieces if with_sky else pieces[:1])
        key = self.parts.images_key(cell, view, split)
        sky = self.parts.sky_key(cell, view, split) if with_sky else ""
        return read_samples(self.store, wanted, pieces[0].condition, key, sky)

    def _seen(self, cell: Cell, keys: Keys, view: View, split: str) -> Samples:
        """Samples as a cell's transfer sees them: with features where its encoder is frozen."""
        samples = self._samples(cell, view, split)
        if not self.parts.frozen(cell):
            return samples
        found = self.features(cell, keys, view, split, self.parts.needs_maps(cell))
        pooled, *maps = (self.store.find("features", key) for key in found)
        if pooled is None or None in maps:
            raise RunError("features vanished from the store", "run the command again")
        return with_features(samples, pooled, maps[0] if maps else None)

    def _context(self, cell: Cell, keys: Keys) -> FitContext:
        """What a cell is fitted on: scenes that are in no other split."""
        train = self._seen(cell, keys, cell.train, "train")
        validation = self._seen(cell, keys, cell.train, "validation")
        tests = {view.dataset: view for view in cell.tests}
        for view in tests.values():
            assert_disjoint(train, validation, self._samples(cell, view, "test"))
        target = None
        if cell.target is not None:
            seen = self._seen(cell, keys, cell.target, "pretraining")
            assert_disjoint(train, validation, seen)
            target = blind(seen)
        normal = self.parts.normal(cell)
        return FitContext(
            task=self.parts.get("task", cell.task),
            train=confined(train.first(cell.labels), normal).to(self.device),
            validation=confined(validation, normal).to(self.device),
            budget=self.parts.budget(cell),
            seed=fit_seed(cell),
            report=self._reporter(f"fitting {cell.entrant.label}"),
            target=target.to(self.device) if target else None,
        )

    def _predictor(self, cell: Cell, keys: Keys) -> tuple[Predictor, dict[str, Any]]:
        """A cell's fitted predictor, with what it cost so far, by column of records."""
        encoder = None
        cost: dict[str, Any] = {}
        if cell.entrant.encoder:
            encoder = self.weights(cell, keys).to(self.device)
            spent = self.store.cost("weights", keys.weights)
            cost |= {f"{name}_pretraining": value for name, value in spent.items()}
            cost.setdefault("seconds_pretraining", 0.0)
            cost["parameters"] = sum(p.numel() for p in encoder.parameters())
        context = self._context(cell, keys)
        with self.store.claim("fits", keys.fit):
            predictor = restore_fit(self.store, keys.fit, self.parts, cell, encoder, context)
            spent = self.store.cost("fits", keys.fit)
            if predictor is None:
                with self._keeping(keys.fit):
                    with measured() as spent:
                        predictor = fit(self.parts, cell, encoder, context)
                    spent |= training_facts(predictor)
                    described = self.parts.describe_fit(cell, keys)
                    keep_fit(self.store, keys.fit, described, predictor, spent)
        if encoder is not None and (flops := flops_of(predictor, context.train)) is not None:
            cost["flops"] = flops
        return predictor, cost | {f"{name}_fit": value for name, value in spent.items()}

    def _predict(
        self,
        cell: Cell,
        keys: Keys,
        fitted: tuple[Predictor, dict[str, Any]],
        view: View,
        key: str,
    ) -> dict[str, np.ndarray]:
        """Answers for the test images of a view, targets withheld; kept in the store."""
        predictor, cost = fitted
        samples = self._seen(cell, keys, view, "test")
        with measured() as spent:
            predictions = answers(predictor, samples.to(self.device), seed_of("order", key))
        self.watch(f"predicting by {cell.entrant.label}", 1, 1, view.condition)
        described = describe_predictions(keys.fit, self.parts.images_key(cell, view, "test"))
        suffix = predictions_suffix(predictions)
        cost = cost | {f"{name}_predict": value for name, value in spent.items()}
        with self.store.writing("predictions", key, suffix, described, cost) as path:
            write_predictions(path, samples.ids, predictions)
        return predictions


def part_of(store: Path, numerics: Numerics, code: Code, cell: Cell) -> Callable[[Team], object]:
    """What a further process does for the pretraining of a cell, whose images are in the store."""
    session = Session(Parts(load_catalogue(), numerics, code), Store(store), lambda *_: None)
    return functools.partial(session.pretrain, cell)
