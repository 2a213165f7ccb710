"""Tests of two entrants on the same scenes with few assumptions: permutation and bootstrap."""

from __future__ import annotations

import itertools

import numpy as np

from lensbench.stats.intervals import Interval, mean_interval

_EXACT = 12
"""Up to so many differences all signs are tried."""


def sign_flip(differences: np.ndarray, flips: int = 9999, seed: int = 0) -> float:
    """Two-sided p-value of no difference, by flipping the signs of differences a scene (N,).

    Exact if differences of equal entrants are symmetric about zero (Fisher 1935).
    All signs are tried for few scenes; else `flips` of them, and the p-value counts what was
    observed among them (Phipson & Smyth 2010), so that it is never zero.

    Raises:
        ValueError: Where there is no difference or one is not finite.
    """
    differences = np.asarray(differences, dtype=np.float64)
    if not len(differences) or not np.isfinite(differences).all():
        raise ValueError(f"need finite differences of at least one scene, got {len(differences)}")
    n = len(differences)
    observed = abs(differences.sum()) * (1 - 1e-12)
    if n <= _EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=n)))
        return float((np.abs(signs @ differences) >= observed).mean())
    random = np.random.default_rng(seed)
    hits = 0
    for start in range(0, flips, 1000):
        signs = random.integers(0, 2, (min(1000, flips - start), n)) * 2.0 - 1.0
        hits += int((np.abs(signs @ differences) >= observed).sum())
    return (hits + 1) / (flips + 1)


def paired_bootstrap(a: np.ndarray, b: np.ndarray, resamples: int, seed: int) -> Interval:
    """Mean of `a − b` over the same scenes (N,) with its bootstrap interval.

    Raises:
        ValueError: Where they are not of the same scenes, or of none.
    """
    if a.shape != b.shape:
        raise ValueError(f"values of {len(a)} and {len(b)} scenes cannot be paired")
    return mean_interval(np.asarray(a, np.float64) - b, resamples, seed)
