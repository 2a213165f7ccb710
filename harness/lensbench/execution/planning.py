"""From cells to jobs: what must be made, once each, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from lensbench.cells.resolved import Keys, Parts
from lensbench.store import key_of
from lensbench.study.cell import Cell, View
from lensbench.study.job import (
    CellRequest,
    FeaturesRequest,
    ImagesRequest,
    Job,
    WeightsRequest,
)

Group = tuple[str, str, int, int]
"""Scenes drawn in one go: dataset, split, count and seed."""


@dataclass(frozen=True)
class Plan:
    """Jobs such that each stands after those that it needs.

    Attributes:
        jobs: What is to be made.
        keys: Keys of each cell.
        shared: How many cells make use of each job but their own.
    """

    jobs: list[Job]
    keys: Mapping[Cell, Keys]
    shared: Mapping[str, int]


def plan_jobs(
    parts: Parts, keys: Mapping[Cell, Keys], stored: Mapping[str, Collection[str]]
) -> Plan:
    """The jobs of these cells, but for the artefacts that are stored already.

    Args:
        parts: The plugins.
        keys: The cells to be computed, with their keys.
        stored: Keys in the store by kind.
    """
    planner = _Planner(parts, stored)
    cells = [planner.add(cell, its) for cell, its in keys.items()]
    return Plan([*planner.upstream(), *cells], keys, planner.shared)


class _Planner:
    """Collects jobs from cells one by one."""

    def __init__(self, parts: Parts, stored: Mapping[str, Collection[str]]) -> None:
        self.parts = parts
        self.stored = stored
        self.groups: dict[Group, tuple[str, dict[tuple[str, str], None]]] = {}
        self.weights: dict[str, Job] = {}
        self.features: dict[tuple[str, str], Job] = {}
        self.shared: dict[str, int] = {}
        self.known: dict[tuple[object, ...], tuple[str, ...]] = {}

    def add(self, cell: Cell, keys: Keys) -> Job:
        """The job of a cell; what it needs is noted."""
        frozen = self.parts.frozen(cell)
        what = (keys.weights, frozen, cell.task, keys.train, keys.target, keys.tests)
        needs = self.known.get(what)
        if needs is None:
            needs = self.known[what] = self._needs(cell, keys, frozen)
        for need in needs:
            self.shared[need] = self.shared.get(need, 0) + 1
        label = cell.entrant.label
        return Job(
            keys.records,
            f"{label}, {cell.task}",
            needs,
            CellRequest(cell),
            f"cell | {label} | {cell.task} | {cell.budget} | {cell.labels}",
        )

    def _needs(self, cell: Cell, keys: Keys, frozen: bool) -> tuple[str, ...]:
        """Keys of the jobs before those of a cell with these keys."""
        needs: dict[str, None] = {}
        for view, split, key in _seen(cell, keys):
            _need(needs, self._images(cell, view, split, key))
            if frozen:
                _need(needs, self._features(cell, keys, view, split, key))
        if cell.entrant.encoder:
            _need(needs, self._weights(cell, keys))
        return tuple(needs)

    def upstream(self) -> Iterable[Job]:
        """Jobs that cells need, those that others need first."""
        for group, (key, pieces) in self.groups.items():
            dataset, split, count, _ = group
            yield Job(
                key,
                f"{split} scenes of {dataset}",
                (),
                ImagesRequest(*group, tuple(pieces)),
                _like("images", dataset, count * len(pieces)),
            )
        yield from self.weights.values()
        yield from self.features.values()

    def _images(self, cell: Cell, view: View, split: str, images: str) -> str:
        """Key of the job that makes these images and skies; empty where they are stored."""
        sky = self.parts.sky_key(cell, view, split)
        missing = [] if images in self.stored["images"] else [""]
        if sky and sky not in self.stored["skies"]:
            missing.append(cell.task)
        if not missing:
            return ""
        group = self.parts.group(cell, view, split)
        if group not in self.groups:
            self.groups[group] = (key_of({"kind": "drawing", "group": group}), {})
        job, pieces = self.groups[group]
        for task in missing:
            pieces[view.condition, task] = None
        return job

    def _weights(self, cell: Cell, keys: Keys) -> str:
        """Key of the job that pretrains; empty where there is nothing to do."""
        if not keys.pretraining or keys.weights in self.stored["weights"]:
            return ""
        if keys.weights not in self.weights:
            needs: dict[str, None] = {}
            for view, key in zip(cell.pretraining, keys.pretraining, strict=True):
                _need(needs, self._images(cell, view, "pretraining", key))
            entrant = cell.entrant
            self.weights[keys.weights] = Job(
                keys.weights,
                f"{entrant.encoder} by {entrant.pretraining}",
                tuple(needs),
                WeightsRequest(cell),
                _like("weights", entrant.encoder, entrant.pretraining, cell.budget),
            )
        return keys.weights

    def _features(self, cell: Cell, keys: Keys, view: View, split: str, images: str) -> str:
        """Key of the job that encodes; empty where the features are stored."""
        maps = self.parts.needs_maps(cell)
        known = self.features.get((keys.weights, images))
        if known is None or (maps and not known.request.maps):  # type: ignore[union-attr]
            parts = ("pooled", "maps") if maps else ("pooled",)
            found = [self.parts.features_key(cell, keys.weights, images, part) for part in parts]
            if all(key in self.stored["features"] for key in found):
                return ""
            needs: dict[str, None] = {}
            _need(needs, self._images(cell, view, split, images))
            _need(needs, self._weights(cell, keys))
            known = Job(
                self.parts.features_key(cell, keys.weights, images, "pooled"),
                f"{cell.entrant.encoder} on {split} scenes of {view.dataset}",
                tuple(needs),
                FeaturesRequest(cell, view, split, maps),
                _like("features", cell.entrant.encoder, split, cell.budget),
            )
            self.features[keys.weights, images] = known
        return known.key


def _seen(cell: Cell, keys: Keys) -> Iterable[tuple[View, str, str]]:
    """All that a cell looks at: view, split and key of its images."""
    yield cell.train, "train", keys.train
    yield cell.train, "validation", keys.validation
    if cell.target is not None:
        yield cell.target, "pretraining", keys.target
    for view, key in zip(cell.tests, keys.tests, strict=True):
        yield view, "test", key


def _need(needs: dict[str, None], key: str) -> None:
    if key:
        needs[key] = None


def _like(*words: object) -> str:
    return " | ".join(str(word) for word in words)
