"""95 % intervals by the bootstrap over test scenes (Efron 1979; percentile method)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval and the number of scenes behind it."""

    value: float
    low: float
    high: float
    n: int


def mean_interval(values: np.ndarray, resamples: int, seed: int) -> Interval:
    """Mean of one value a scene (N,) with its bootstrap interval.

    Raises:
        ValueError: Where there is no value: an empty mean is an error, never zero.
    """
    if len(values) == 0:
        raise ValueError("a mean of no values was asked for")
    random = np.random.default_rng(seed)
    n = len(values)
    means = np.array([values[random.integers(0, n, n)].mean() for _ in range(resamples)])
    return _interval(float(values.mean()), means, n)


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, resamples: int, seed: int
) -> Interval:
    """A statistic of `n` scenes with its bootstrap interval.

    Args:
        statistic: Called with indices of scenes (n,), repeats included. Where a resample leaves
            it undefined (NaN), as when a class is missing, that resample is drawn again.
        n: Number of scenes.
        resamples: How often to draw.
        seed: Of the draws.
    """
    if n == 0:
        raise ValueError("a statistic of no scenes was asked for")
    value = statistic(np.arange(n))
    random = np.random.default_rng(seed)
    drawn: list[float] = []
    for _ in range(2 * resamples):
        result = statistic(random.integers(0, n, n))
        if not np.isnan(result):
            drawn.append(result)
        if len(drawn) == resamples:
            break
    if not drawn or np.isnan(value):
        raise ValueError(f"the statistic is undefined on these {n} scenes")
    return _interval(value, np.array(drawn), n)


def _interval(value: float, drawn: np.ndarray, n: int) -> Interval:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return Interval(value, float(low), float(high), n)
