"""How much a linear map of frozen features knows of scenes that were not pretrained on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from lensbench.api.dataset import Dataset, Target
from lensbench.api.samples import Samples
from lensbench.pretraining.sources import observed_scenes
from lensbench.pretraining.stream import IDS, IMAGES, TARGET, SharedFacts
from lensbench.stats.intervals import (
    Interval,
    bootstrap,
    percentile_interval,
    resampled_together,
)
from lensbench.training.encoding import pooled_of

_RESAMPLES = 200
_STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Of the ridge, chosen by leave-one-out on the half that is fitted."""


@dataclass(frozen=True)
class Score:
    """One probe: a target under a condition."""

    population: str
    condition: str
    target: str
    metric: str
    interval: Interval


class Probe:
    """Validation scenes of each population under each condition, observed once.

    Half of the scenes, those of even index in their class, fit a ridge regression of each real
    target or a logistic regression of each class; the others are scored: by R², or by the area
    under the ROC curve, one class against the rest.

    Args:
        datasets: By population.
        known: Conditions.
        scenes: Of each population.
        targets: Names of those to probe, where a population has them.
        seed: Of the draw.
    """

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        known: SharedFacts,
        scenes: int,
        targets: tuple[str, ...],
        seed: int,
    ) -> None:
        self._sets: list[tuple[str, Samples]] = []
        for population, dataset in datasets.items():
            info = {
                name: target
                for name, target in dataset.targets.items()
                if target.kind == "class" or (target.kind == "real" and name in targets)
            }
            probed = SharedFacts(known.conditions, info, dataset.data_range)
            arrays = observed_scenes(dataset, "validation", range(scenes), seed, probed)
            for name, condition in known.conditions.items():
                self._sets.append(
                    (
                        population,
                        Samples(
                            ids=tuple(scene.decode() for scene in arrays[IDS].tolist()),
                            images=torch.from_numpy(arrays[IMAGES + name]),
                            targets={t: torch.from_numpy(arrays[TARGET + t]) for t in info},
                            info=info,
                            condition=condition,
                            data_range=dataset.data_range / condition.noise_level,
                        ),
                    )
                )

    def first(self, count: int) -> Iterator[Samples]:
        """A few scenes of each population and condition, to look at."""
        for _, samples in self._sets:
            yield samples.first(count)

    def scores(self, encoder: Any, device: torch.device) -> list[Score]:
        """Probes of an encoder as it is now, which is left as it was."""
        was_training = encoder.training
        encoder.eval()
        found = []
        try:
            for population, samples in self._sets:
                features = pooled_of(encoder, samples, device)
                for name, target in samples.info.items():
                    score = probed(features, samples.targets[name].numpy(), target)
                    if score is not None:
                        metric, interval = score
                        found.append(
                            Score(population, samples.condition.name, name, metric, interval)
                        )
        finally:
            encoder.train(was_training)
        return found


def probed(features: np.ndarray, values: np.ndarray, target: Target) -> tuple[str, Interval] | None:
    """Name and value of the score of one target.

    Args:
        features: (N, D).
        values: (N,); scenes whose value is not finite do not count.
        target: What it is.

    Returns:
        `None` where there are too few scenes, or all have one value.
    """
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    finite = np.isfinite(values)
    features, values = features[finite], values[finite]
    fitted = halves(values, target)
    if len(values) < 8 or len(np.unique(values[fitted])) < 2:
        return None
    model = RidgeCV(_STRENGTHS) if target.kind == "real" else LogisticRegression(max_iter=2000)
    pipeline = make_pipeline(StandardScaler(), model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of iterations that did not converge: a probe all the same
        pipeline.fit(features[fitted], values[fitted])
    truth = values[~fitted]
    if target.kind == "real":
        answers = pipeline.predict(features[~fitted])
        return "r2", bootstrap(lambda i: r_squared(truth[i], answers[i]), len(truth), _RESAMPLES, 0)
    if not set(truth) <= set(values[fitted]):
        return None
    chances = pipeline.predict_proba(features[~fitted])
    order = np.searchsorted(model.classes_, truth)
    n = len(truth)
    drawn = resampled_together(lambda i: aurocs(order[i], chances[i]), n, _RESAMPLES, 0)
    return "auroc", percentile_interval(float(aurocs(order[None], chances[None])[0]), drawn, n)


def halves(values: np.ndarray, target: Target) -> np.ndarray:
    """Which scenes (N,) are fitted: every other one, of each class where there are classes."""
    fitted = np.zeros(len(values), dtype=bool)
    groups = np.unique(values) if target.kind == "class" else [None]
    for group in groups:
        places = np.flatnonzero(values == group) if group is not None else np.arange(len(values))
        fitted[places[::2]] = True
    return fitted


def r_squared(truth: np.ndarray, answers: np.ndarray) -> float:
    """1 − Σ(y − ŷ)² / Σ(y − ȳ)²; NaN where all y are the same."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - answers) ** 2).sum()) / spread if spread > 0 else float("nan")


def aurocs(order: np.ndarray, chances: np.ndarray) -> np.ndarray:
    """Mean over classes of the area under the curve (R,), of R sets of scenes; ties by half.

    Each class against the rest, from the sum of the ranks of its scenes (Mann & Whitney 1947).
    NaN where a class is missing.

    Args:
        order: Which class each scene is of (R, N).
        chances: Of each class (R, N, K).
    """
    from scipy.stats import rankdata

    member = order[..., None] == np.arange(chances.shape[-1])
    count = member.sum(1)
    below = (rankdata(chances, axis=1) * member).sum(1) - count * (count + 1) / 2
    pairs = count * (order.shape[1] - count)
    areas = np.divide(below, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)
    return np.asarray(areas.mean(1))
