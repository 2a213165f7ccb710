"""Response to a graded condition, and to the number of labels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from lensbench.stats.intervals import LEVEL, Interval


@dataclass(frozen=True)
class LabelsNeeded:
    """How many labels a score takes.

    Attributes:
        labels: By interpolation; `None` where the score is not reached, or is already at the
            fewest labels tried.
        bound: `=`; `<=` where the fewest labels tried reach the score already; `>` where the most
            do not.
        at: The fewest or the most labels tried, where `bound` says so; else `labels`.
    """

    labels: float | None
    bound: str
    at: float


def slope(grades: np.ndarray, values: np.ndarray) -> float:
    """Least-squares slope of values (G,) against grades (G,), per grade.

    Raises:
        ValueError: Where there are fewer than two different grades.
    """
    return float(_contrast(grades) @ np.asarray(values, dtype=np.float64))


def slope_interval(grades: np.ndarray, values: np.ndarray) -> Interval:
    """Slope with its interval over scenes that were observed under every grade.

    Args:
        grades: (G,).
        values: One value a grade and scene (G, N), the same scenes in the same order.

    Returns:
        The mean slope of the scenes with Student's interval. What differs between scenes cancels.
    """
    each = _contrast(grades) @ np.asarray(values, dtype=np.float64)
    n = len(each)
    if n < 2:
        raise ValueError(f"an interval needs two scenes, got {n}")
    half = special.stdtrit(n - 1, 0.5 + LEVEL / 2) * each.std(ddof=1) / math.sqrt(n)
    return Interval(float(each.mean()), float(each.mean() - half), float(each.mean() + half), n)


def slope_bounds(
    grades: np.ndarray, values: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[float, float, float]:
    """Slope with its widest interval, from values and intervals (G,) alone.

    The correlation between errors of the grades is unknown, so the bounds are valid for any.
    """
    contrast = _contrast(grades)
    middle = slope(grades, values)
    half = float(np.abs(contrast) @ (np.asarray(high) - np.asarray(low)) / 2)
    return middle, middle - half, middle + half


def labels_needed(
    labels: np.ndarray, scores: np.ndarray, target: float, higher_is_better: bool = True
) -> LabelsNeeded:
    """Labels at which a score first reaches a target, by straight lines on the log of labels.

    Args:
        labels: Numbers of labels tried (K,), in any order, each once.
        scores: Score with each (K,).
        target: Score to reach.
        higher_is_better: Direction of the score.

    Raises:
        ValueError: Where nothing was tried, a number of labels occurs twice or is not positive.
    """
    labels = np.asarray(labels, dtype=np.float64)
    if not len(labels) or len(np.unique(labels)) != len(labels) or (labels <= 0).any():
        raise ValueError(f"need different positive numbers of labels, got {labels.tolist()}")
    order = np.argsort(labels)
    x = np.log(labels[order])
    y = np.asarray(scores, dtype=np.float64)[order]
    if not higher_is_better:
        y, target = -y, -target
    reached = np.flatnonzero(y >= target)
    if not len(reached):
        return LabelsNeeded(None, ">", float(labels.max()))
    k = int(reached[0])
    if k == 0:
        return LabelsNeeded(None, "<=", float(labels.min()))
    share = (target - y[k - 1]) / (y[k] - y[k - 1])
    found = float(np.exp(x[k - 1] + share * (x[k] - x[k - 1])))
    return LabelsNeeded(found, "=", found)


def _contrast(grades: np.ndarray) -> np.ndarray:
    """Weights of the least-squares slope (G,)."""
    grades = np.asarray(grades, dtype=np.float64)
    centred = grades - grades.mean() if len(grades) else grades
    square = float((centred**2).sum())
    if not square:
        raise ValueError(f"a slope needs two different grades, got {grades.tolist()}")
    weights: np.ndarray = centred / square
    return weights
