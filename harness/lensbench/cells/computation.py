"""Computes cells: what the store has is read, the rest is made by one worker and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lensbench.api.predictor import FitContext, Predictor
from lensbench.api.progress import Progress, Report
from lensbench.api.samples import Samples
from lensbench.cells.answers import answers, order_seed
from lensbench.cells.code import Asked, CodeDigest
from lensbench.cells.descriptions import SplitView, layers_by_scenes
from lensbench.cells.fits import fit, fit_context, keep_fit, restore_fit, training_facts
from lensbench.cells.frozen_features import with_features, write_features
from lensbench.cells.images import Layer, SceneSet, ensure_images, read_samples
from lensbench.cells.measurements import ImageSet, StoredMeasurements
from lensbench.cells.resolved import ResolvedCell, Resolver
from lensbench.cells.rows import Row, done_rows
from lensbench.cells.splits import confined
from lensbench.cells.weights import (
    TrainingPlace,
    build_encoder,
    load_weights,
    pretrain,
    pretraining_seed,
    save_weights,
)
from lensbench.errors import RunError
from lensbench.files import StageReport
from lensbench.registry import load_catalogue
from lensbench.store import Store
from lensbench.store.predictions import predictions_suffix, read_predictions, write_predictions
from lensbench.store.records import records_frame
from lensbench.store.scores import scores_frame
from lensbench.study.cell import Cell
from lensbench.study.describe import Numerics
from lensbench.training.arithmetic import flops_of
from lensbench.training.checkpoints import Checkpoints, keeping
from lensbench.training.costs import Costs, measured
from lensbench.training.division import Division, divided
from lensbench.training.encoding import with_beside
from lensbench.training.team import Team


@dataclass(frozen=True)
class Workplace:
    """Where cells are computed.

    Every artefact is made under a claim, so that of several workers and sweeps one makes it
    and the others wait and read.

    Attributes:
        store: Where artefacts are kept.
        numerics: How things are computed.
        watch: Called with every step.
        checkpoint_seconds: Between the checkpoints of a training.
    """

    store: Store
    numerics: Numerics
    watch: StageReport
    checkpoint_seconds: float = 60.0

    @property
    def device(self) -> torch.device:
        """Where tensors live."""
        return torch.device(self.numerics.device)

    def make_images(self, scenes: SceneSet, layers: Sequence[Layer]) -> None:
        """Makes those of these images and skies that the store lacks."""
        stage = f"{scenes.split} scenes of {scenes.name}"
        ensure_images(self.store, scenes, layers, functools.partial(self.watch, stage))

    def samples(self, seen: SplitView, with_sky: bool = True) -> Samples:
        """Images as a cell sees them, made where the store lacks them."""
        layers = seen.layers if with_sky else [seen.images]
        self.make_images(seen.scenes, layers)
        return read_samples(self.store, seen.scenes, *layers, *([None] if len(layers) < 2 else []))

    def keeping(self, key: str) -> AbstractContextManager[Checkpoints]:
        """Checkpoints of the trainings behind an artefact, those of an earlier try too."""
        return keeping(self.store.root / "checkpoints" / key, self.checkpoint_seconds)


class Computation:
    """Computes one cell.

    Args:
        cell: Which, with all its keys.
        place: Where.
    """

    def __init__(self, cell: ResolvedCell, place: Workplace) -> None:
        self.cell = cell
        self.place = place
        self.store = place.store
        self.entrant = cell.cell.entrant

    @functools.cached_property
    def measurements(self) -> StoredMeasurements:
        """What is measured on the cell's images, in the store."""
        looked_at = (*self.cell.fitted, *self.cell.tests, *self.cell.pretraining)
        views = {seen.images.key: seen for seen in looked_at}
        sets = [
            ImageSet(key, functools.partial(self.place.samples, seen, with_sky=False))
            for key, seen in views.items()
        ]
        stands = functools.partial(self.cell.descriptions.code_stands, self.cell.cell)
        numerics = self.place.numerics
        return StoredMeasurements(self.store, numerics, sets, self.place.watch, stands)

    def encoder(self) -> Any:
        """The encoder before the task, pretrained where the store lacks its weights."""
        key = self.cell.weights
        plugins, cell = self.cell.plugins, self.cell.cell
        encoder = build_encoder(plugins.catalogue, cell, plugins.channels(cell.train))
        if self.cell.pretraining and not load_weights(self.store, key, encoder):
            with self.store.claim("weights", key):
                if not load_weights(self.store, key, encoder):
                    encoder = self._pretrain()
        return encoder

    def take_part(self, team: Team) -> None:
        """Trains the encoder as one more process of a team."""
        self._pretrained(TrainingPlace(self.place.device, team))

    def _pretrained(self, place: TrainingPlace) -> Any:
        normal = self.cell.plugins.normal(self.cell.cell.task)
        views = [
            confined(self._with_beside(self.place.samples(seen)), normal)
            for seen in self.cell.pretraining
        ]
        return pretrain(self.cell.plugins.catalogue, self.cell.cell, views, place)

    def features(self, seen: SplitView) -> dict[str, Path]:
        """Files of the features that the task needs of a split, made where the store lacks them."""
        keys: dict[str, str] = {p: self.cell.feature_key(seen, p) for p in self.cell.parts}
        found = self._found(keys)
        if None in found.values():
            with self.store.claim("features", keys["pooled"]):
                missing = [part for part, path in self._found(keys).items() if path is None]
                if missing:
                    self._encode(seen, {part: keys[part] for part in missing})
            found = self._found(keys)
        if None in found.values():
            raise RunError("features vanished from the store", "run the command again")
        return {part: path for part, path in found.items() if path is not None}

    def records(self) -> None:
        """Makes the records: fit, predictions and scores, each where the store lacks it.

        How scores vary over the scenes stands beside, of kind `scores` under the same key.
        """
        key = self.cell.records
        with self.store.claim("records", key):
            missing = [kind for kind in ("scores", "records") if self.store.find(kind, key) is None]
            if not missing:
                return
            rows, scores = self._rows()
            if "scores" in missing:
                beside = {"kind": "scores", "inputs": {"records": key}}
                with self.store.writing("scores", key, ".parquet", beside) as path:
                    scores_frame(scores).write_parquet(path)
            if "records" in missing:
                described = self.cell.describe_records()
                with self.store.writing("records", key, ".parquet", described) as path:
                    records_frame(rows).write_parquet(path)

    def _watch(self, stage: str) -> Callable[[int, int, str], None]:
        return functools.partial(self.place.watch, stage)

    def _reporter(self, stage: str) -> Report:
        """Reports of a fit or a training, told as steps of a stage."""

        def report(progress: Progress) -> None:
            self.place.watch(stage, progress.done, progress.total, progress.text)

        return report

    def _pretrain(self) -> Any:
        for seen in self.cell.pretraining:
            self.place.samples(seen)  # made here, so that all processes find them
        numerics, code = self.place.numerics, self.cell.descriptions.code.known
        part = functools.partial(part_of, self.store.root, numerics, code, self.cell.cell)
        report = self._reporter(f"pretraining {self.entrant.encoder} by {self.entrant.pretraining}")
        with self.place.keeping(self.cell.weights) as checkpoints:
            with (
                measured() as cost,
                divided(Division(numerics, part), pretraining_seed(self.cell.cell)) as team,
            ):
                checkpoint = checkpoints.named("pretraining")
                place = TrainingPlace(
                    self.place.device, team, cost.noting_warmup(report), checkpoint
                )
                encoder = self._pretrained(place)
            described = self.cell.describe_weights()
            save_weights(self.store, self.cell.weights, described, encoder, cost)
        return encoder

    def _found(self, keys: dict[Any, str]) -> dict[str, Path | None]:
        return {part: self.store.find("features", key) for part, key in keys.items()}

    def _encode(self, seen: SplitView, missing: dict[Any, str]) -> None:
        encoder = self.encoder()
        samples = self._with_beside(self.place.samples(seen, with_sky=False))
        cost: dict[str, float] = {}
        with ExitStack() as stack:
            paths = {
                part: stack.enter_context(
                    self.store.writing(
                        "features", key, ".h5", self.cell.describe_features(seen, part), cost
                    )
                )
                for part, key in missing.items()
            }
            with measured() as spent:
                write_features(paths, encoder, samples, self.place.device)
            cost.update(spent)
        self._watch(f"encoding by {self.entrant.encoder}")(1, 1, seen.view.condition)

    def _rows(self) -> tuple[list[Row], list[Row]]:
        """Makes what is missing and scores it: rows of records, and of scores."""
        tests = self.cell.tests
        for scenes, layers in layers_by_scenes(tests).items():
            self.place.make_images(scenes, layers)
        fitted: tuple[Predictor, dict[str, Any]] | None = None
        rows: list[Row] = []
        scores: list[Row] = []
        for done, (test, key) in enumerate(zip(tests, self.cell.predictions, strict=True), 1):
            samples = self.place.samples(test)
            path = self.store.find("predictions", key)
            if path is None:
                fitted = fitted or self._predictor()
                predictions = self._predict(fitted, test, key)
            else:
                ids, predictions = read_predictions(path)
                if tuple(ids) != samples.ids:
                    raise RunError(
                        f"predictions {path.name} are of other scenes than the test images"
                    )
            cost = self.store.cost("predictions", key)
            made = done_rows(self.cell, test, samples, predictions, cost)
            rows += made[0]
            scores += made[1]
            self._watch(f"scoring {self.entrant.label}")(done, len(tests), test.view.condition)
        return rows, scores

    def _seen(self, seen: SplitView) -> Samples:
        """Samples as the transfer sees them: with features where the encoder is frozen."""
        samples = self._with_beside(self.place.samples(seen))
        if not self.cell.frozen:
            return samples
        files = self.features(seen)
        return with_features(samples, files["pooled"], files.get("maps"))

    def _with_beside(self, samples: Samples) -> Samples:
        """Samples with what the encoder takes beside the images."""
        if self._looking is None:
            return samples
        return with_beside(self._looking, samples, self.measurements)

    @functools.cached_property
    def _looking(self) -> Any:
        """The encoder with random weights, where it takes more than images; else `None`."""
        catalogue, name = self.cell.plugins.catalogue, self.entrant.encoder
        if not name or not catalogue.type_of("encoder", name).planes:
            return None
        channels = self.cell.plugins.channels(self.cell.cell.train)
        return build_encoder(catalogue, self.cell.cell, channels)

    def _context(self) -> FitContext:
        cell = self.cell
        tests = {test.view.dataset: test for test in cell.tests}
        context = fit_context(
            cell.plugins,
            cell.cell,
            self._seen(cell.train),
            self._seen(cell.validation),
            self._seen(cell.adaptation) if cell.adaptation else None,
            [self.place.samples(test) for test in tests.values()],
        )
        device = self.place.device
        return replace(
            context,
            train=context.train.to(device),
            validation=context.validation.to(device),
            target=context.target.to(device) if context.target else None,
            report=self._reporter(f"fitting {self.entrant.label}"),
            measurements=self.measurements,
        )

    def _predictor(self) -> tuple[Predictor, dict[str, Any]]:
        """The fitted predictor, with what it cost so far, by column of records."""
        encoder = None
        cost: dict[str, Any] = {}
        if self.entrant.encoder:
            encoder = self.encoder().to(self.place.device)
            spent = self.store.cost("weights", self.cell.weights)
            cost |= {f"{name}_pretraining": value for name, value in spent.items()}
            cost.setdefault("seconds_pretraining", 0.0)
            cost["parameters"] = sum(p.numel() for p in encoder.parameters())
        context = self._context()
        predictor, spent = self._fit(encoder, context)
        if encoder is not None and (flops := flops_of(predictor, context.train)) is not None:
            cost["flops"] = flops
        return predictor, cost | {f"{name}_fit": value for name, value in spent.items()}

    def _fit(self, encoder: Any, context: FitContext) -> tuple[Predictor, dict[str, Any]]:
        """The predictor and what the fit cost: restored, or fitted and kept."""
        key, plugins = self.cell.fit, self.cell.plugins
        with self.store.claim("fits", key):
            kept = restore_fit(self.store, key, plugins, self.entrant, encoder, context)
            if kept is not None:
                return kept, self.store.cost("fits", key)
            with self.place.keeping(key) as checkpoints:
                with self._measured() as spent:
                    context = replace(
                        context,
                        report=spent.noting_warmup(context.report),
                        checkpoints=checkpoints.named,
                    )
                    predictor = fit(plugins, self.entrant, encoder, context)
                spent |= training_facts(predictor)
                keep_fit(self.store, key, self.cell.describe_fit(), predictor, spent)
        return predictor, spent

    @contextmanager
    def _measured(self) -> Iterator[Costs]:
        """As `measured`, with the seconds that stored measurements had cost."""
        saved = self.measurements.seconds_saved
        with measured() as spent:
            yield spent
        spent["seconds"] += self.measurements.seconds_saved - saved

    def _predict(
        self, fitted: tuple[Predictor, dict[str, Any]], test: SplitView, key: str
    ) -> dict[str, np.ndarray]:
        """Predictions for the test images of a view, targets withheld; kept in the store."""
        predictor, cost = fitted
        samples = self._seen(test)
        with self._measured() as spent:
            order = order_seed(self.cell.cell, test.view)
            predictions = answers(predictor, samples.to(self.place.device), order)
        self._watch(f"predicting by {self.entrant.label}")(1, 1, test.view.condition)
        cost = cost | {f"{name}_predict": value for name, value in spent.items()}
        described = self.cell.describe_predictions(test)
        suffix = predictions_suffix(predictions)
        with self.store.writing("predictions", key, suffix, described, cost) as path:
            write_predictions(path, samples.ids, predictions)
        return predictions


def part_of(
    store: Path, numerics: Numerics, code: Mapping[Asked, CodeDigest], cell: Cell
) -> Callable[[Team], object]:
    """What a further process does for the pretraining of a cell, whose images are in the store."""
    resolved = Resolver(load_catalogue(), numerics, code).resolve(cell)
    return Computation(resolved, Workplace(Store(store), numerics, lambda *_: None)).take_part
