"""95 % intervals over test scenes: the bootstrap, with tails that small samples need.

The percentile bootstrap (Efron 1979) takes the variance of n values as their mean square, which
is a factor (n − 1)/n too small, and it has the tails of a normal distribution and not Student's.
Wider tails correct both here (Hesterberg 2015, arXiv:1411.5279, section 5.3, "expanded
percentile").
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.95

FEW = 10
"""With fewer values, resamples say too little about a mean: those of two have three means."""

TOGETHER = 2**18
"""Indices of scenes that a statistic is given at once: 2 MB, which stay in a processor's cache."""


KEPT = 2**20
"""Indices of resamples that are kept for other statistics of the same seed: 8 MB."""


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval and the number of scenes behind it.

    One scene has no interval: `low` and `high` are then NaN, except for a proportion.
    """

    value: float
    low: float
    high: float
    n: int


def mean_interval(values: np.ndarray, resamples: int, seed: int) -> Interval:
    """Mean of one value a scene (N,) with its bootstrap interval; Student's below `FEW` values.

    Raises:
        ValueError: Where there is no value: an empty mean is an error, never zero.
    """
    if len(values) == 0:
        raise ValueError("a mean of no values was asked for")
    n = len(values)
    if n < FEW:
        mean = float(values.mean())
        half = (
            float(special.stdtrit(n - 1, 0.5 + LEVEL / 2) * values.std(ddof=1) / np.sqrt(n))
            if n > 1
            else np.nan
        )
        return Interval(mean, mean - half, mean + half, n)
    means = resampled_together(lambda indices: values[indices].mean(1), n, resamples, seed)
    return percentile_interval(float(values.mean()), means, n)


def proportion_interval(hits: np.ndarray) -> Interval:
    """Share of scenes (N,) that are true, with its exact interval.

    Clopper & Pearson (1934, doi:10.1093/biomet/26.4.404): every share that the count does not
    reject at 2.5 % on either side. It is valid at any n, also for one scene.

    Raises:
        ValueError: Where there is no scene.
    """
    n = len(hits)
    if n == 0:
        raise ValueError("a proportion of no scenes was asked for")
    k, tail = int(np.count_nonzero(hits)), (1 - LEVEL) / 2
    low = special.betaincinv(k, n - k + 1, tail) if k else 0.0
    high = special.betaincinv(k + 1, n - k, 1 - tail) if k < n else 1.0
    return Interval(k / n, float(low), float(high), n)


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, resamples: int, seed: int
) -> Interval:
    """A statistic of `n` scenes with its bootstrap interval.

    Args:
        statistic: Called with indices of scenes (n,), repeats included. Where a resample leaves
            it undefined (NaN), as when a class is missing, another is drawn.
        n: Number of scenes.
        resamples: How often to draw.
        seed: Of the draws.

    Raises:
        ValueError: Where there is no scene, or the statistic is undefined.
    """
    if n == 0:
        raise ValueError("a statistic of no scenes was asked for")
    value = statistic(np.arange(n))
    return percentile_interval(value, resampled(statistic, n, resamples, seed), n)


def resampled(
    statistic: Callable[[np.ndarray], float], n: int, resamples: int, seed: int
) -> np.ndarray:
    """`resampled_together` for a statistic of one resample (n,) at a time."""
    return resampled_together(
        lambda indices: np.array([statistic(one) for one in indices]), n, resamples, seed
    )


def resampled_together(
    statistic: Callable[[np.ndarray], np.ndarray], n: int, resamples: int, seed: int
) -> np.ndarray:
    """A statistic on resamples of `n` scenes, which are the same for the same `n` and seed.

    Args:
        statistic: From indices of scenes (R, n), a resample a row, to one value a row (R,). It is
            given a part of the resamples at a time, of a bounded number of indices.
        n: Number of scenes.
        resamples: How often to draw.
        seed: Of the draws.

    Returns:
        At least `resamples` values in the order of the draws, and more, up to twice as many,
        where some are undefined: these are NaN, so that values of two entrants stay paired.
    """
    rows = _kept_draws(n, seed).rows if n * resamples <= KEPT else _streamed_draws(n, seed)
    parts: list[np.ndarray] = []
    wanted, left = resamples, 2 * resamples
    while wanted and left:
        count = min(wanted, left, max(1, TOGETHER // n))
        parts.append(statistic(rows(2 * resamples - left, count)))
        wanted -= int(np.count_nonzero(~np.isnan(parts[-1])))
        left -= count
    return np.concatenate(parts) if parts else np.empty(0)


class _Draws:
    """Indices of scenes that resamples take: rows of one stream, kept once they are drawn.

    Args:
        n: Number of scenes.
        seed: Of the stream.
    """

    def __init__(self, n: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._drawn = np.empty((0, n), dtype=np.int64)

    def rows(self, start: int, count: int) -> np.ndarray:
        """Rows `start` to `start + count` (count, n), which a statistic may change."""
        lacking = start + count - len(self._drawn)
        if lacking > 0:
            more = self._random.integers(0, self._drawn.shape[1], (lacking, self._drawn.shape[1]))
            self._drawn = np.concatenate([self._drawn, more])
        return self._drawn[start : start + count].copy()


@functools.lru_cache(maxsize=16)
def _kept_draws(n: int, seed: int) -> _Draws:
    """Draws for every entrant, since all are scored on the same resamples."""
    return _Draws(n, seed)


def _streamed_draws(n: int, seed: int) -> Callable[[int, int], np.ndarray]:
    """The same rows in the same order, none of them kept: a thousand of many scenes fill memory."""
    random = np.random.default_rng(seed)
    return lambda start, count: random.integers(0, n, (count, n))


def percentile_interval(value: float, drawn: np.ndarray, n: int) -> Interval:
    """The expanded percentile interval of a statistic of `n` scenes.

    Args:
        value: On the scenes themselves.
        drawn: On resamples of them (R,); NaN where undefined.
        n: Number of scenes.

    Raises:
        ValueError: Where value or all resamples are undefined.
    """
    known = drawn[~np.isnan(drawn)]
    if not len(known) or np.isnan(value):
        raise ValueError(f"the statistic is undefined on these {n} scenes")
    if n < 2:
        return Interval(float(value), np.nan, np.nan, n)
    tail = 100 * expanded_tail(n)
    low, high = np.percentile(known, [tail, 100 - tail])
    return Interval(float(value), float(low), float(high), n)


def positive_mean_interval(values: np.ndarray) -> Interval:
    """Mean of one positive, skewed value a scene (N,), such as a squared error, with its interval.

    Student's on the logarithm of the mean. Its degrees of freedom are those of the variance
    behind it, 2n/(k − 1) for values of kurtosis k (Satterthwaite 1946), at most n − 1: if a few
    scenes make up most of the variance, it is poorly known. No bounds for one scene or a mean of 0.

    Raises:
        ValueError: Where there is no value.
    """
    n = len(values)
    if n == 0:
        raise ValueError("a mean of no values was asked for")
    mean = float(values.mean())
    if n < 2 or not mean > 0:
        return Interval(mean, np.nan, np.nan, n)
    squares = (values - mean) ** 2
    variance = float(squares.sum()) / (n - 1)
    if variance == 0:
        return Interval(mean, mean, mean, n)
    kurtosis = float((squares**2).mean() / squares.mean() ** 2)
    df = min(n - 1.0, max(2.0, 2 * n / max(kurtosis - 1, 1e-9)))
    half = float(special.stdtrit(df, 0.5 + LEVEL / 2)) * np.sqrt(variance / n) / mean
    return Interval(mean, float(mean * np.exp(-half)), float(mean * np.exp(half)), n)


def quantile_interval(values: np.ndarray, share: float) -> Interval:
    """A quantile of one value a scene (N,) with its exact interval, whatever the distribution.

    Its bounds are two of the values themselves: so many scenes lie below the true quantile as a
    binomial of n and the share allows (David & Nagaraja 2003, section 7.1). Outliers do not matter,
    for only ranks count.

    Args:
        values: One a scene (N,).
        share: Of scenes below the quantile, between 0 and 1.

    Returns:
        No bounds where so few scenes do not bound the quantile on both sides.

    Raises:
        ValueError: Where there is no value.
    """
    n = len(values)
    if n == 0:
        raise ValueError("a quantile of no values was asked for")
    value = float(np.quantile(values, share))
    tail = (1 - LEVEL) / 2
    chances = special.bdtr(np.arange(n + 1), n, share)  # of at most so many scenes below it
    below, above = np.searchsorted(chances, [tail, 1 - tail])
    if below == 0 or above == n:
        return Interval(value, np.nan, np.nan, n)
    ordered = np.sort(values)
    return Interval(value, float(ordered[below - 1]), float(ordered[above]), n)


def area_interval(value: float, drawn: np.ndarray, n: int) -> Interval:
    """An area between 0 and 1 with Student's interval on its logit.

    Percentiles of areas near one cover too little, because their spread shrinks towards the edge.

    Args:
        value: On the scenes themselves.
        drawn: On resamples of them (R,); NaN where undefined.
        n: Number of scenes.

    Returns:
        No bounds if the area is 0 or 1: a perfect ranking of few scenes shows no spread.
    """
    known = drawn[~np.isnan(drawn)]
    if n < 2 or len(known) < 2 or not 0 < value < 1:
        return Interval(float(value), np.nan, np.nan, n)
    se = float(known.std(ddof=1)) * np.sqrt(n / (n - 1)) / (value * (1 - value))
    half = float(special.stdtrit(n - 1, 0.5 + LEVEL / 2)) * se
    low, high = special.expit(special.logit(value) + np.array([-half, half]))
    return Interval(float(value), float(low), float(high), n)


def expanded_tail(n: int) -> float:
    """Share of resamples to cut off on each side: Φ(−√(n/(n−1)) t), t Student's of n − 1.

    It is 2.5 % for many scenes and less for few.
    """
    if n < 2:
        return 0.0
    student = special.stdtrit(n - 1, 0.5 + LEVEL / 2)
    return float(special.ndtr(-np.sqrt(n / (n - 1)) * student))
