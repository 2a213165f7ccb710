"""Areas under curves of a ranking: how well scores separate positives from negatives.

All are from the counts of positives and negatives at or above each distinct score, for a thousand
bootstrap resamples at once: scores are sorted once, and a resample is a histogram over them. Ties
share a threshold. Where a kind is missing the counts are NaN, and so is every area, for it is then
undefined.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Positives and negatives of resamples at or above each of K thresholds, the highest first.

    A threshold that no sample of a resample has repeats the counts of the one above it.

    Attributes:
        boxes: Where each sample (N,) is counted: see `histograms`.
        indices: Of the samples of each resample (R, M).
        thresholds: How many there are.
    """

    boxes: np.ndarray
    indices: np.ndarray
    thresholds: int

    @property
    def true(self) -> np.ndarray:
        """Positives (R, K)."""
        return self._both[0]

    @property
    def false(self) -> np.ndarray:
        """Negatives (R, K)."""
        return self._both[1]

    @functools.cached_property
    def _both(self) -> np.ndarray:
        from lensbench_reference.tasks.histograms import cumulative_counts

        counts: np.ndarray = cumulative_counts(self.boxes, self.indices, self.thresholds)
        counts[:, (counts[:, :, -1] == 0).any(0)] = np.nan
        return counts


def threshold_counts(
    score: np.ndarray, positive: np.ndarray, negative: np.ndarray, indices: np.ndarray
) -> Counts:
    """Counts of each resample at the K distinct scores.

    Args:
        score: The higher, the more positive (N,).
        positive: Which are (N,), bool.
        negative: Which are (N,), bool; what is neither does not count.
        indices: Of the samples of each resample (R, M).
    """
    distinct, place = np.unique(-score, return_inverse=True)
    kind = np.where(positive, 0, np.where(negative, 1, 2))
    return Counts(kind * len(distinct) + place, indices, len(distinct))


def auroc(counts: Counts) -> np.ndarray:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties by half."""
    from lensbench_reference.tasks.histograms import ranking_areas

    return np.asarray(ranking_areas(counts.boxes, counts.indices, counts.thresholds))


def average_precision(counts: Counts) -> np.ndarray:
    """Area under precision and recall, as the sum Σ (R_k − R_k₋₁) P_k over thresholds."""
    true = counts.true
    rise = _steps(true)
    rise *= true / np.maximum(true + counts.false, 1)
    return np.asarray(rise.sum(1) / true[:, -1])


def _steps(counts: np.ndarray) -> np.ndarray:
    """How much counts (R, K) grow at each threshold."""
    steps = counts.copy()
    steps[:, 1:] -= counts[:, :-1]
    return steps


def partial_auroc(counts: Counts, most: float) -> np.ndarray:
    """Area under the ROC curve up to a false positive rate, standardised (McClish 1989).

    It is (1 + (A − ½ f²)/(f − ½ f²))/2 for the area A up to the rate f: half for chance, one for
    a ranking that is perfect.
    """
    right, up = (side / side[:, -1:] for side in (counts.false, counts.true))
    width = np.diff(np.minimum(right, most), axis=1, prepend=0.0)
    step, rise = np.diff(right, axis=1, prepend=0.0), np.diff(up, axis=1, prepend=0.0)
    # A segment that the rate cuts counts as far as that.
    share = np.divide(width, step, out=np.zeros_like(width), where=step > 0)
    area = (width * (up - rise + rise * share / 2)).sum(1)
    chance = most**2 / 2
    return np.asarray((1 + (area - chance) / (most - chance)) / 2)
