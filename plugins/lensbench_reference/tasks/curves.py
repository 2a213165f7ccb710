"""Areas under curves of a ranking: how well scores tell positives from negatives.

All are from the counts of positives and negatives at or above each distinct score, along the last
axis, so that one call does a thousand bootstrap resamples: scores are sorted once, and a resample
is a histogram over them. Ties share a threshold. Where a kind is missing the counts are NaN, and so
is every area, for it is then undefined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Counts:
    """Positives and negatives at or above each threshold (R, K), the highest first.

    A threshold that no sample of a resample has repeats the counts of the one above it.
    """

    true: np.ndarray
    false: np.ndarray


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
    thresholds, resamples = len(distinct), len(indices)
    kind = np.where(positive, 0, np.where(negative, 1, 2))
    boxes = (kind * thresholds + place)[indices]
    boxes += np.arange(resamples)[:, None] * (3 * thresholds)
    found = np.bincount(boxes.ravel(), minlength=resamples * 3 * thresholds)
    counts = found.reshape(resamples, 3, thresholds)[:, :2].cumsum(2, dtype=np.float64)
    counts[(counts[:, :, -1] == 0).any(1)] = np.nan
    return Counts(counts[:, 0], counts[:, 1])


def auroc(counts: Counts) -> np.ndarray:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties by half."""
    true, false = counts.true, counts.false
    heights = true.copy()
    heights[:, 1:] += true[:, :-1]
    area = (np.diff(false, axis=1, prepend=0) * heights).sum(1)
    return np.asarray(area / (2.0 * true[:, -1] * false[:, -1]))


def average_precision(counts: Counts) -> np.ndarray:
    """Area under precision and recall, as the sum Σ (R_k − R_k₋₁) P_k over thresholds."""
    true = counts.true
    precision = true / np.maximum(true + counts.false, 1)
    return np.asarray((np.diff(true, axis=1, prepend=0) * precision).sum(1) / true[:, -1])


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
