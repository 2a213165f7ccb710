"""Many tests at once: p-values corrected for their number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """P-values (N,) corrected to control the probability of any false alarm (Holm 1979).

    A p-value of NaN, for a test that could not be made, stays NaN and does not count.
    """

    def correct(ordered: np.ndarray) -> np.ndarray:
        return np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))

    return _corrected(p, correct)


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """P-values (N,) corrected to control the share of false alarms among alarms.

    Benjamini & Hochberg 1995; for independent or positively dependent tests. NaN stays NaN.
    """

    def correct(ordered: np.ndarray) -> np.ndarray:
        scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _corrected(p, correct)


def _corrected(p: np.ndarray, correct: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    result = np.full(len(p), np.nan)
    result[order] = np.minimum(correct(p[order]), 1.0)
    return result
