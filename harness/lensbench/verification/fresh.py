"""Tier *fresh*: published weights on scenes that did not exist when they were submitted.

The seed comes from the system's entropy and is written into the board. Scenes are shown in random
order under names that reveal nothing. First the weights have to give the published predictions on
the public scenes, or their scores by scene where predictions are elsewhere. Then the scores there
and on the fresh scenes are compared by swapping scenes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from lensbench.api.predictor import Predictor
from lensbench.api.samples import Samples
from lensbench.api.task import Metric, Predictions
from lensbench.cells.answers import answers
from lensbench.cells.kept import kept_predictor
from lensbench.cells.resolved import Resolver
from lensbench.cells.score import values_by_scene
from lensbench.errors import LensbenchError
from lensbench.files import StageReport
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.manifest import Finding
from lensbench.leaderboard.board.texts import plain
from lensbench.sky.seeds import seed_of
from lensbench.stats.multiplicity import holm
from lensbench.store import Store
from lensbench.store.scores import scenes_digest
from lensbench.study.cell import Cell, View
from lensbench.verification.drops import Drop, drop_test
from lensbench.verification.encoded import EncodedTests
from lensbench.verification.installation import Installation
from lensbench.verification.rescoring import Mismatch, agrees_by_scene, check_scenes

RULE = (
    "the published weights give the published predictions, or their scores by scene where "
    "predictions are elsewhere, and the primary metric's drop to fresh scenes, all conditions "
    "together, is not significant: swap test, one-sided, Holm, chance of any false alarm at most "
    "{level:g}"
)

MOST_SWAPS = 50_000


@dataclass(frozen=True)
class FreshResult:
    """The result of testing published weights on fresh scenes.

    Attributes:
        findings: By key of the cell.
        untried: Why a cell could not be tested, by key.
    """

    findings: Mapping[str, Finding]
    untried: Mapping[str, str]


@dataclass(frozen=True)
class FreshDraw:
    """The fresh scenes of a board.

    Attributes:
        board: The board.
        store: A new one; scenes and weights go there.
        seed: Of the draw: nobody may have known it when the weights were submitted.
    """

    board: Board
    store: Store
    seed: int

    @functools.cached_property
    def tests(self) -> EncodedTests:
        """Test scenes, public and fresh, as encoders see them."""
        return EncodedTests(self.store, self.seed)


def check_fresh(
    draw: FreshDraw,
    cells: Mapping[str, Cell],
    here: Installation,
    level: float,
    report: StageReport,
) -> FreshResult:
    """Tests the published weights of cells on fresh scenes.

    Args:
        draw: The fresh scenes.
        cells: The cells to test, by key.
        here: The plugins.
        level: Chance that the test says of any honest cell that its score drops.
        report: Called with each cell.
    """
    board = draw.board
    obstacles = {key: _obstacle(board, here.for_work(key), one, key) for key, one in cells.items()}
    untried = {key: why for key, why in obstacles.items() if why}
    tried = {key: cell for key, cell in cells.items() if key not in untried}
    most = min(MOST_SWAPS, math.ceil(5 * max(1, len(tried)) / level))
    drops: dict[str, tuple[Drop, str]] = {}
    faults: dict[str, str] = {}
    for number, (key, cell) in enumerate(tried.items(), 1):
        what = f"{cell.entrant.label}, {cell.task}"
        report("testing on fresh scenes", number - 1, len(tried), what)
        try:
            drops[key] = _drop(draw, key, cell, here.for_work(key), most)
        except Mismatch as mismatch:
            faults[key] = str(mismatch)
        except LensbenchError as error:
            faults[key] = error.message
        except Exception as error:  # plugins and weights may raise anything
            faults[key] = f"{type(error).__name__}: {error}"
    fallen = significant([drop.p for drop, _ in drops.values()], level)
    findings = {
        key: Finding(
            passed=not falls,
            evidence=board.evidence[key],
            note=plain(f"{told}, p = {drop.p:.2g}" + (": significant" if falls else ""), 300),
        )
        for (key, (drop, told)), falls in zip(drops.items(), fallen, strict=True)
    }
    for key, fault in faults.items():
        findings[key] = Finding(passed=False, evidence=board.evidence[key], note=plain(fault, 300))
    return FreshResult(findings, untried)


def significant(p: Sequence[float], level: float) -> list[bool]:
    """Which of several tests say so, with at most `level` as the chance of any false alarm."""
    fallen: list[bool] = (holm(np.array(p, dtype=float)) <= level).tolist()
    return fallen


def _obstacle(board: Board, resolver: Resolver, cell: Cell, key: str) -> str:
    """Why a cell cannot be tested; empty where it can."""
    members = board.shelf.members
    if f"fits/{key}.safetensors" not in members:
        return "its fit was not published"
    weights = board.provenance["fits"][key]["inputs"]["weights"]
    pretrained = weights and board.provenance["weights"][weights]["inputs"]["images"]
    if pretrained and f"weights/{weights}.safetensors" not in members:
        return "its encoder's weights were not published"
    for view in cell.tests:
        if resolver.plugins.get("dataset", view.dataset).size("test") is not None:
            return f"{view.dataset} has no fresh scenes: it is not drawn"
    metric = resolver.plugins.get("task", cell.task).metrics[0]
    if key in board.without_predictions and not (
        metric.per_sample and all(_by_scene(key, it, metric) in board.scores for it in cell.tests)
    ):
        return "neither its predictions nor its scores by scene are here"
    return ""


def _by_scene(key: str, view: View, metric: Metric) -> tuple[str, str, str, str]:
    """Under what a board has the scores by scene of a cell."""
    return key, view.dataset, view.condition, metric.name


def _drop(draw: FreshDraw, key: str, cell: Cell, resolver: Resolver, most: int) -> tuple[Drop, str]:
    """The drop of one cell, tested with at most so many swaps, and a text about it."""
    board, seed = draw.board, draw.seed
    predictor = _published_predictor(board, key, cell, resolver, draw.store)
    device = torch.device(resolver.numerics.device)
    weights = board.provenance["fits"][key]["inputs"]["weights"]
    public, drawn = (
        draw.tests.of(resolver, cell, weights, number) for number in (cell.seeds.draw, seed)
    )
    metric = resolver.plugins.get("task", cell.task).metrics[0]
    rows = board.records.filter(board.records["cell"] == key)
    pairs = []
    for number, view in enumerate(cell.tests):
        row = rows.filter(
            (rows["test_dataset"] == view.dataset) & (rows["test_condition"] == view.condition)
        )
        order = seed_of("order", seed, number)
        said = answers(predictor, public[view].to(device), order)
        here = board.predictions(row["predictions"][0])
        if here is None:
            _check_scores(board, key, said, public[view], view, metric)
        else:
            ids, published = here
            check_scenes(ids, public[view], view)
            _check_answers(published, said, view)
            said = published
        found = answers(predictor, drawn[view].to(device), order + 1)
        pairs.append(Pair(metric, said, public[view], found, drawn[view]))
    drop = measured_drop(pairs, most, seed_of("swaps", seed))
    none = np.zeros(len(pairs[0]), dtype=bool)
    before, after = (np.mean([pair.values(none)[i] for pair in pairs]) for i in (0, 1))
    return drop, f"{metric.name} {before:.4g} public, {after:.4g} fresh"


def measured_drop(pairs: Sequence[Pair], most: int, seed: int) -> Drop:
    """The mean drop over tests, whose scenes are the same and are swapped together."""

    def drop(swapped: np.ndarray) -> float:
        return float(np.mean([pair.drop(swapped) for pair in pairs]))

    return drop_test(drop, len(pairs[0]), most, seed)


def _published_predictor(
    board: Board, key: str, cell: Cell, resolver: Resolver, store: Store
) -> Predictor:
    """The predictor of the published weights."""
    weights = board.provenance["fits"][key]["inputs"]["weights"]
    for kind, one in (("weights", weights), ("fits", key)):
        name = f"{kind}/{one}.safetensors"
        if one and name in board.shelf.members:
            described = board.provenance[kind][one]
            with store.writing(kind, one, ".safetensors", described) as path:
                path.write_bytes(board.shelf.bytes_of(name))
    torch.set_num_threads(resolver.numerics.threads)
    return kept_predictor(store, key, resolver, cell)


def _check_answers(
    said: Mapping[str, np.ndarray], again: Mapping[str, np.ndarray], view: View
) -> None:
    """Refuses weights that are not those behind the published predictions.

    Raises:
        Mismatch: Naming the test.
    """
    for name, values in said.items():
        scale = float(np.std(values)) or 1.0
        if (
            name not in again
            or values.shape != again[name].shape
            or not np.allclose(values, again[name], rtol=1e-3, atol=1e-3 * scale)
        ):
            raise Mismatch(
                f"the published weights do not give the published {name} under {view.condition}"
            )


def _check_scores(
    board: Board, key: str, said: Predictions, public: Samples, view: View, metric: Metric
) -> None:
    """Refuses weights that are not those behind the published scores by scene.

    Raises:
        Mismatch: Naming the test.
    """
    published = board.scores[_by_scene(key, view, metric)]
    again = values_by_scene(metric, said, public).astype(float)
    near = 1e-3 * (float(np.std(published[1])) or 1.0)
    if not agrees_by_scene(published, scenes_digest(public.ids), again, near):
        raise Mismatch(
            f"the published weights do not give the published {metric.name} by scene "
            f"under {view.condition}"
        )


class Pair:
    """Answers to the public and to the fresh scenes of one test, which can be swapped."""

    def __init__(
        self,
        metric: Metric,
        said: Mapping[str, np.ndarray],
        public: Samples,
        answers: Mapping[str, np.ndarray],
        drawn: Samples,
    ) -> None:
        self.metric = metric
        self.sides = ((said, public), (answers, drawn))
        self.each: list[np.ndarray] = []
        if metric.per_sample:
            self.each = [_by_scene_or_nan(metric, *side) for side in self.sides]
        self.samples = joined(public, drawn)
        self.said = {name: np.concatenate([said[name], answers[name]]) for name in said}

    def __len__(self) -> int:
        return len(self.sides[0][1])

    def values(self, swapped: np.ndarray) -> tuple[float, float]:
        """The metric on either side, once these scenes are swapped."""
        if self.each:
            public, drawn = self.each
            one, other = np.where(swapped, drawn, public), np.where(swapped, public, drawn)
            return float(np.nanmean(one)), float(np.nanmean(other))
        here = np.arange(len(self)) + len(self) * swapped
        there = np.arange(len(self)) + len(self) * ~swapped
        return self._score(here), self._score(there)

    def drop(self, swapped: np.ndarray) -> float:
        """By how much the second side is worse than the first."""
        one, other = self.values(swapped)
        return one - other if self.metric.higher_is_better else other - one

    def _score(self, indices: np.ndarray) -> float:
        chosen = {name: values[indices] for name, values in self.said.items()}
        return float(self.metric.compute(chosen, self.samples.take(torch.from_numpy(indices))))


def _by_scene_or_nan(metric: Metric, said: Predictions, samples: Samples) -> np.ndarray:
    """A metric per sample (N,); NaN where it is not of the sample."""
    found = np.asarray(metric.compute(said, samples), dtype=float)
    return found if metric.among is None else np.where(metric.among(samples), found, np.nan)


def joined(one: Samples, other: Samples) -> Samples:
    """Samples of two draws behind one another, as a metric needs them: without features."""
    widths = [samples.psf_fwhm for samples in (one, other) if samples.psf_fwhm is not None]
    psfs = [samples.psf for samples in (one, other) if samples.psf is not None]
    scales = [samples.pixel_scale for samples in (one, other) if samples.pixel_scale is not None]
    return replace(
        one,
        ids=(*one.ids, *other.ids),
        images=torch.cat([one.images, other.images]),
        targets={
            name: torch.cat([values, other.targets[name]]) for name, values in one.targets.items()
        },
        features=None,
        psf_fwhm=torch.cat(widths) if widths else None,
        psf=torch.cat(psfs) if psfs else None,
        pixel_scale=torch.cat(scales) if scales else None,
    )
