"""From cells to jobs: what must be made, once each, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from lensbench.cells.descriptions import SplitView
from lensbench.cells.images import SceneSet
from lensbench.cells.resolved import ResolvedCell
from lensbench.store import key_of
from lensbench.study.job import (
    CellRequest,
    FeaturesRequest,
    ImagesRequest,
    Job,
    WeightsRequest,
)


@dataclass(frozen=True)
class Plan:
    """Jobs such that each stands after those that it needs.

    Attributes:
        jobs: What is to be made.
        shared: How many cells make use of each job but their own.
    """

    jobs: list[Job]
    shared: Mapping[str, int]


def plan_jobs(cells: Iterable[ResolvedCell], stored: Mapping[str, Collection[str]]) -> Plan:
    """The jobs of these cells, without those whose artefacts are stored already.

    Args:
        cells: To be computed.
        stored: Keys in the store by kind.
    """
    planner = _Planner(stored)
    jobs = [planner.add(cell) for cell in cells]
    return Plan([*planner.upstream(), *jobs], planner.shared)


class _Planner:
    """Collects jobs from cells one by one."""

    def __init__(self, stored: Mapping[str, Collection[str]]) -> None:
        self.stored = stored
        self.drawings: dict[SceneSet, tuple[str, dict[tuple[str, str], None]]] = {}
        self.weights: dict[str, Job] = {}
        self.features: dict[tuple[str, str], Job | None] = {}
        self.shared: dict[str, int] = {}
        self.found: dict[tuple[object, ...], tuple[str, ...]] = {}

    def add(self, cell: ResolvedCell) -> Job:
        """The job of a cell; those that it needs are noted."""
        what = (cell.weights, cell.frozen, cell.cell.task, cell.fitted, cell.tests)
        needs = self.found.get(what)
        if needs is None:
            needs = self.found[what] = tuple(dict.fromkeys(filter(None, self._needs(cell))))
        for need in needs:
            self.shared[need] = self.shared.get(need, 0) + 1
        label, task = cell.cell.entrant.label, cell.cell.task
        return Job(
            cell.records,
            f"{label}, {task}",
            needs,
            CellRequest(cell.cell),
            _like("cell", label, task, cell.cell.budget, cell.cell.labels),
        )

    def upstream(self) -> Iterable[Job]:
        """Jobs that cells need, those that others need first."""
        for scenes, (key, layers) in self.drawings.items():
            yield Job(
                key,
                f"{scenes.split} scenes of {scenes.name}",
                (),
                ImagesRequest(scenes.name, scenes.split, scenes.count, scenes.seed, tuple(layers)),
                _like("images", scenes.name, scenes.count * len(layers)),
            )
        yield from self.weights.values()
        yield from filter(None, self.features.values())

    def _needs(self, cell: ResolvedCell) -> Iterable[str]:
        """Keys of the jobs before that of a cell; empty where there is nothing to do."""
        for seen in (*cell.fitted, *cell.tests):
            yield self._images(cell, seen)
            if cell.frozen:
                yield self._features(cell, seen)
        if cell.cell.entrant.encoder:
            yield self._weights(cell)

    def _images(self, cell: ResolvedCell, seen: SplitView) -> str:
        """Key of the job that makes these images and skies; empty where they are stored."""
        missing = [layer for layer in seen.layers if layer.key not in self.stored[layer.kind]]
        if not missing:
            return ""
        scenes = seen.scenes
        if scenes not in self.drawings:
            group = (scenes.name, scenes.split, scenes.count, scenes.seed)
            self.drawings[scenes] = (key_of({"kind": "drawing", "group": group}), {})
        job, layers = self.drawings[scenes]
        for layer in missing:
            layers[seen.view.condition, cell.cell.task if layer.sky else ""] = None
        return job

    def _weights(self, cell: ResolvedCell) -> str:
        """Key of the job that pretrains; empty where there is nothing to do."""
        key = cell.weights
        if not cell.pretraining or key in self.stored["weights"]:
            return ""
        if key not in self.weights:
            needs = filter(None, (self._images(cell, seen) for seen in cell.pretraining))
            entrant = cell.cell.entrant
            self.weights[key] = Job(
                key,
                f"{entrant.encoder} by {entrant.pretraining}",
                tuple(dict.fromkeys(needs)),
                WeightsRequest(cell.cell),
                _like("weights", entrant.encoder, entrant.pretraining, cell.cell.budget),
            )
        return key

    def _features(self, cell: ResolvedCell, seen: SplitView) -> str:
        """Key of the job that encodes; empty where the features are stored."""
        what = (cell.weights, seen.images.key)
        job = self.features.get(what)
        if job is None or "maps" in cell.parts:
            keys = [cell.feature_key(seen, part) for part in cell.parts]
            if not self.stored["features"].issuperset(keys):  # type: ignore[attr-defined]
                job = self.features[what] = self._encoding(cell, seen, keys[0])
        return job.key if job else ""

    def _encoding(self, cell: ResolvedCell, seen: SplitView, key: str) -> Job:
        encoder = cell.cell.entrant.encoder
        needs = filter(None, (self._images(cell, seen), self._weights(cell)))
        return Job(
            key,
            f"{encoder} on {seen.split} scenes of {seen.view.dataset}",
            tuple(dict.fromkeys(needs)),
            FeaturesRequest(cell.cell, seen.view, seen.split),
            _like("features", encoder, seen.split, cell.cell.budget),
        )


def _like(*words: object) -> str:
    return " | ".join(str(word) for word in words)
