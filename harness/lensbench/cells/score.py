"""From predictions to records: every metric with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from lensbench.api.samples import Samples
from lensbench.api.task import Metric
from lensbench.errors import UndefinedError
from lensbench.sky.seeds import seed_of
from lensbench.stats.intervals import (
    Interval,
    area_interval,
    mean_interval,
    percentile_interval,
    positive_mean_interval,
    proportion_interval,
    resampled_together,
)


@dataclass(frozen=True)
class MetricScore:
    """A metric with its interval.

    Attributes:
        interval: Over the test scenes.
        per_scene: What `values` are.
        values: One a scene (N,), whose mean the metric is; or the metric on resamples of the
            scenes (R,), the same for every entrant, NaN where undefined; empty where the metric
            shows no interval or has one of its own.
    """

    interval: Interval
    per_scene: bool
    values: np.ndarray


def score(
    metric: Metric, predictions: Mapping[str, np.ndarray], samples: Samples, resamples: int
) -> MetricScore | None:
    """One metric with its interval over the test scenes, or `None` where it does not apply.

    A metric that needs an answer which the predictor does not give raises `NotImplementedError`.
    All entrants have the same resamples, so intervals differ only because predictions do.
    Scenes without the metric's target, or not `among` those that it is of, count neither in the
    value nor in the interval's `n`.

    Raises:
        UndefinedError: Where there is no such scene, or the metric has no finite value on those.
    """
    if metric.target and metric.target not in samples.targets:
        return None
    predictions, samples = metric.where_defined(predictions, samples)
    if not len(samples):
        raise UndefinedError(f"no test scene has target {metric.target!r}")
    try:
        return _score(metric, predictions, samples, resamples)
    except NotImplementedError:
        return None


def values_by_scene(
    metric: Metric, predictions: Mapping[str, np.ndarray], samples: Samples
) -> np.ndarray:
    """What a metric per sample is of each sample that it counts (n,)."""
    found = np.asarray(metric.compute(predictions, samples))
    return found if metric.among is None else found[metric.among(samples)]


def _score(
    metric: Metric, predictions: Mapping[str, np.ndarray], samples: Samples, resamples: int
) -> MetricScore:
    n, seed = len(samples), seed_of("bootstrap", metric.name)
    if metric.per_sample:
        found = values_by_scene(metric, predictions, samples)
        values, n = found.astype(np.float64), len(found)
        if not n:
            raise UndefinedError(f"{metric.name} is of none of these {len(samples)} scenes")
        lost = int((~np.isfinite(values)).sum())
        if lost:
            raise UndefinedError(f"{metric.name} is not finite for {lost} of {n} scenes")
        if found.dtype == np.bool_:
            return MetricScore(proportion_interval(found), True, values)
        if not metric.interval:
            return MetricScore(Interval(float(values.mean()), np.nan, np.nan, n), True, values)
        if metric.scale == "log":
            return MetricScore(positive_mean_interval(values), True, values)
        return MetricScore(mean_interval(values, resamples, seed), True, values)
    value = float(_on_resamples(metric, predictions, samples, np.arange(n)[None])[0])
    if not np.isfinite(value):
        raise UndefinedError(f"{metric.name} is not finite on these {n} scenes")
    drawn = np.empty(0)
    if metric.interval and (metric.resampled or not metric.bounds):
        compute = partial(_on_resamples, metric, predictions, samples)
        drawn = resampled_together(compute, n, resamples, seed)
    if metric.bounds:
        interval = Interval(value, *metric.bounds(predictions, samples), n)
    elif not metric.interval:
        interval = Interval(value, np.nan, np.nan, n)
    else:
        shown = area_interval if metric.scale == "logit" else percentile_interval
        interval = shown(value, drawn, n)
    return MetricScore(interval, False, drawn)


def _on_resamples(
    metric: Metric, predictions: Mapping[str, np.ndarray], samples: Samples, indices: np.ndarray
) -> np.ndarray:
    """A number for all on each resample (R,), at once where the metric does that."""
    if metric.resampled:
        return np.asarray(metric.resampled(predictions, samples, indices), np.float64)
    n = len(samples)
    # Images and ids of a thousand resamples would cost more than all else.
    light = replace(samples, ids=("",) * n, images=torch.empty(n, 0, 0, 0), features=None)

    def computed(one: np.ndarray) -> float:
        chosen = {name: values[one] for name, values in predictions.items()}
        targets = _ResampledTargets(samples.targets, torch.from_numpy(one))
        return float(metric.compute(chosen, replace(light, targets=targets)))

    return np.array([computed(one) for one in indices])


class _ResampledTargets(Mapping[str, torch.Tensor]):
    """Targets of a resample, each taken when it is asked for: a metric looks at few of them."""

    def __init__(self, targets: Mapping[str, torch.Tensor], places: torch.Tensor) -> None:
        self._targets = targets
        self._places = places

    def __getitem__(self, name: str) -> torch.Tensor:
        return self._targets[name][self._places]

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)
