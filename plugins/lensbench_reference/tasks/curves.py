"""Figures of a ranking: how well scores tell positives from negatives, at any threshold.

All are from counts at the distinct thresholds of one sorted array, so that a thousand bootstrap
resamples of ten thousand scenes take seconds. Ties share a threshold. Every figure is NaN where a
kind is missing, for it is then undefined.
"""

from __future__ import annotations

import numpy as np

Counts = tuple[np.ndarray, np.ndarray]


def threshold_counts(score: np.ndarray, positive: np.ndarray) -> Counts:
    """True and false positives (K,) at each distinct threshold, the highest first.

    Args:
        score: The higher, the more positive (N,).
        positive: Which are (N,), bool.
    """
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], positive[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    true = np.cumsum(hits)[last]
    return true, (np.arange(1, len(hits) + 1)[last] - true)


def one_kind(positive: np.ndarray) -> bool:
    """Whether all or none are positive."""
    return bool(positive.all() or not positive.any())


def auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a positive outranks a negative, ties by half."""
    if one_kind(positive):
        return float("nan")
    true, false = threshold_counts(score, positive)
    heights = true + np.append(0, true[:-1])
    return float((np.diff(false, prepend=0) * heights).sum() / (2.0 * true[-1] * false[-1]))


def average_precision(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under precision and recall, as the sum Σ (R_k − R_k₋₁) P_k over thresholds."""
    if one_kind(positive):
        return float("nan")
    true, false = threshold_counts(score, positive)
    return float((np.diff(true, prepend=0) * true / (true + false)).sum() / true[-1])


def completeness_at_purity(score: np.ndarray, positive: np.ndarray, purity: float) -> float:
    """Largest share of positives found while this share of what is found is positive; or zero."""
    if one_kind(positive):
        return float("nan")
    true, false = threshold_counts(score, positive)
    pure = true >= purity * (true + false)
    return float((true * pure).max() / true[-1])


def purity_at_prevalence(
    score: np.ndarray, positive: np.ndarray, prevalence: float, completeness: float = 0.5
) -> float:
    """Share of positives in what a survey would find, where they are this share of all objects.

    π T/(π T + (1 − π) F) of the prevalence π, at the highest threshold that finds the share
    `completeness` of the positives: T of them, with F = (negatives found + 1)/(negatives + 1).
    The one more is for what so few negatives cannot show: without it a small test set would
    promise a purity of one.
    """
    if one_kind(positive):
        return float("nan")
    true, false = threshold_counts(score, positive)
    place = int(np.argmax(true >= completeness * true[-1]))
    found = prevalence * true[place] / true[-1]
    wrong = (1 - prevalence) * (false[place] + 1) / (false[-1] + 1)
    return float(found / (found + wrong))


def true_positive_rate(score: np.ndarray, positive: np.ndarray, false_rate: float) -> float:
    """Largest share of positives found with at most this share of the negatives."""
    if one_kind(positive):
        return float("nan")
    true, false = threshold_counts(score, positive)
    return float((true * (false <= false_rate * false[-1])).max() / true[-1])
