"""Histograms of bootstrap resamples, compiled: the inner loops of metrics of a ranking.

Each takes the box of every sample (N,), which is its kind, 0, 1 or 2, times the number of
thresholds plus the place of its score among these, and the samples of each resample (R, M). Kind 2
does not count. All sums are of whole numbers, so they are exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _fill(found: Any, boxes: Any, samples: Any) -> None:
    """Counts samples by their boxes."""
    found[:] = 0
    for sample in samples:
        found[boxes[sample]] += 1


@njit(cache=True, nogil=True)
def cumulative_counts(boxes: Any, indices: Any, thresholds: int) -> Any:
    """How many samples of kinds 0 and 1 are at or above each threshold (2, R, K), float64."""
    counts = np.empty((2, len(indices), thresholds))
    found = np.empty(3 * thresholds, np.int64)
    for row in range(len(indices)):
        _fill(found, boxes, indices[row])
        for kind in range(2):
            total = 0
            for place in range(thresholds):
                total += found[kind * thresholds + place]
                counts[kind, row, place] = total
    return counts


@njit(cache=True, nogil=True)
def ranking_areas(boxes: Any, indices: Any, thresholds: int) -> Any:
    """The share of pairs of both kinds in which kind 0 is above (R,), ties by half."""
    areas = np.empty(len(indices))
    found = np.empty(3 * thresholds, np.int64)
    for row in range(len(indices)):
        _fill(found, boxes, indices[row])
        true, false, twice = 0, 0, 0
        for place in range(thresholds):
            twice += found[thresholds + place] * (2 * true + found[place])
            true += found[place]
            false += found[thresholds + place]
        areas[row] = twice / (2.0 * true * false) if true and false else np.nan
    return areas
