"""The bias-corrected and accelerated bootstrap interval (Efron 1987), for skewed statistics."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from lensbench.stats.intervals import LEVEL, Interval, resampled


def bca_interval(
    statistic: Callable[[np.ndarray], float], n: int, resamples: int, seed: int
) -> Interval:
    """A statistic of `n` scenes with its BCa interval.

    It costs `n` evaluations more than the percentile interval, for the acceleration
    a = Σd³ / 6(Σd²)^1.5 of the jackknife's deviations d (Efron & Tibshirani 1993, eq. 14.15).

    Args:
        statistic: Called with indices of scenes, repeats included.
        n: Number of scenes.
        resamples: How often to draw.
        seed: Of the draws.

    Raises:
        ValueError: Where there are fewer than two scenes or the statistic is undefined.
    """
    if n < 2:
        raise ValueError(f"a BCa interval needs two scenes, got {n}")
    scenes = np.arange(n)
    value = statistic(scenes)
    drawn = resampled(statistic, n, resamples, seed)
    drawn = drawn[~np.isnan(drawn)]
    left_out = np.array([statistic(np.delete(scenes, scene)) for scene in scenes])
    if np.isnan(value) or not len(drawn) or np.isnan(left_out).any():
        raise ValueError(f"the statistic is undefined on these {n} scenes")
    deviations = left_out.mean() - left_out
    square = float((deviations**2).sum())
    acceleration = float((deviations**3).sum()) / (6 * square**1.5) if square else 0.0
    below = (np.sum(drawn < value) + np.sum(drawn <= value)) / (2 * len(drawn))
    bias = special.ndtri(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    quantiles = bias + special.ndtri([0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    shares = special.ndtr(bias + quantiles / (1 - acceleration * quantiles))
    low, high = np.percentile(drawn, 100 * shares)
    return Interval(float(value), float(low), float(high), n)
