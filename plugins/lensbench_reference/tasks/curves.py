"""Figures of a ranking: how well scores tell positives from negatives, at any threshold.

All are from the counts of positives and negatives at or above each distinct score, along the last
axis, so that one call does a thousand bootstrap resamples: scores are sorted once, and a resample
is a histogram over them. Ties share a threshold. Where a kind is missing the counts are NaN, and so
is every figure of them, for it is then undefined.
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


def completeness_at_purity(counts: Counts, purity: float) -> np.ndarray:
    """Largest share of positives found while this share of what is found is positive; or zero."""
    true = counts.true
    pure = true >= purity * (true + counts.false)
    return np.asarray((true * pure).max(1) / true[:, -1])


def purity_at_prevalence(
    counts: Counts, prevalence: float, completeness: float = 0.5
) -> np.ndarray:
    """Share of positives in what a survey would find, where they are this share of all objects.

    π T/(π T + (1 − π) F) of the prevalence π, at the highest threshold that finds the share
    `completeness` of the positives: T of them, with F = (negatives found + 1)/(negatives + 1).
    The one more is for what so few negatives cannot show: without it a small test set would
    promise a purity of one.
    """
    true, false = counts.true, counts.false
    place = (true >= completeness * true[:, -1:]).argmax(1)
    rows = np.arange(len(true))
    found = prevalence * true[rows, place] / true[:, -1]
    wrong = (1 - prevalence) * (false[rows, place] + 1) / (false[:, -1] + 1)
    return np.asarray(found / (found + wrong))


def true_positive_rate(counts: Counts, false_rate: float) -> np.ndarray:
    """Largest share of positives found with at most this share of the negatives."""
    true, false = counts.true, counts.false
    return np.asarray((true * (false <= false_rate * false[:, -1:])).max(1) / true[:, -1])
