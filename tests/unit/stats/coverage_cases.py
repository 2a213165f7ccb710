"""How often 95 % intervals hold the truth, by simulation; run as a script it prints a table.

Each case draws scenes from a known distribution, computes a metric of them with its interval, and
counts how often the interval holds the value that the distribution gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from lensbench.stats.intervals import (
    Interval,
    mean_interval,
    percentile_interval,
    proportion_interval,
    resampled_together,
)

RESAMPLES = 400
Draw = Callable[[np.random.Generator, int], Interval]


@dataclass(frozen=True)
class Case:
    """A metric with an interval.

    Attributes:
        metric: Its name.
        method: How the interval is made.
        n: Scenes that are used in tables of this metric.
        truth: Value that the distribution gives.
        draw: The interval of one drawn set of scenes, from a generator and a seed.
        shown: Whether tables show it.
        note: What the scenes are like, where it matters.
    """

    metric: str
    method: str
    n: int
    truth: float
    draw: Draw
    shown: bool = True
    note: str = ""

    def coverage(self, sets: int) -> float:
        """Share of drawn sets whose interval holds the truth."""
        random = np.random.default_rng(self.n)
        found = [self.draw(random, number) for number in range(sets)]
        return float(np.mean([one.low <= self.truth <= one.high for one in found]))


def bootstrap(statistic: Callable[[np.ndarray], np.ndarray], n: int, seed: int) -> Interval:
    """The interval of a statistic of indices (R, n), as `lensbench.cells.score` makes it."""
    value = statistic(np.arange(n)[None])[0]
    return percentile_interval(value, resampled_together(statistic, n, RESAMPLES, seed), n)


_SHIFT = 1.0
"""Standard deviations between the scores of the two classes of scenes."""


def _two_classes(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores in falling order, and which are of positives: half of the scenes."""
    positive = np.arange(n) < n // 2
    scores = random.normal(_SHIFT * positive, 1)
    order = np.argsort(-scores)
    return scores[order], positive[order]


def _auroc(random: np.random.Generator, seed: int, n: int = 300) -> Interval:
    _, positive = _two_classes(random, n)

    def area(indices: np.ndarray) -> np.ndarray:
        counts = np.apply_along_axis(np.bincount, 1, indices, minlength=n)
        found, wrong = np.cumsum(counts * positive, 1), counts * ~positive
        return (found * wrong).sum(1) / (found[:, -1] * wrong.sum(1))

    return bootstrap(area, n, seed)


def _found_at_rate(random: np.random.Generator, seed: int, rate: float, n: int = 300) -> Interval:
    """Share of positives above the threshold that the same negatives fix."""
    _, positive = _two_classes(random, n)

    def found(indices: np.ndarray) -> np.ndarray:
        counts = np.apply_along_axis(np.bincount, 1, indices, minlength=n)
        hits, wrong = np.cumsum(counts * positive, 1), np.cumsum(counts * ~positive, 1)
        allowed = wrong <= rate * wrong[:, -1:]
        return np.where(allowed, hits, 0).max(1) / hits[:, -1]

    return bootstrap(found, n, seed)


def _found_of_others(random: np.random.Generator, seed: int, rate: float, n: int = 300) -> Interval:
    """Share of positives above a threshold that other scenes fixed: a binomial count."""
    threshold = special.ndtri(1 - rate)
    hits = random.normal(_SHIFT, 1, n // 2) > threshold
    return proportion_interval(hits)


def _calibration(random: np.random.Generator, seed: int, n: int = 300) -> Interval:
    """Calibration error in 15 bins of a method that is calibrated: the truth is 0."""
    confidence = random.uniform(0.5, 1, n)
    gap = confidence - (random.uniform(size=n) < confidence)
    bins = np.eye(15)[np.minimum((confidence * 15).astype(int), 14)] * gap[:, None]

    def error(indices: np.ndarray) -> np.ndarray:
        counts = np.apply_along_axis(np.bincount, 1, indices, minlength=n)
        return np.abs(counts @ bins).sum(1) / n

    return bootstrap(error, n, seed)


def _residuals(random: np.random.Generator, n: int) -> np.ndarray:
    """Residuals of radii: Student's with five degrees of freedom, heavier than normal."""
    return np.asarray(0.05 * random.standard_t(5, n))


def _normal_residuals(random: np.random.Generator, n: int) -> np.ndarray:
    return np.asarray(0.05 * random.normal(size=n))


def _rmse(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((values**2).mean(-1)))


def _of_residuals(
    figure: Callable[[np.ndarray], np.ndarray],
    residuals: Callable[[np.random.Generator, int], np.ndarray] = _residuals,
    n: int = 300,
) -> Draw:
    def draw(random: np.random.Generator, seed: int) -> Interval:
        values = residuals(random, n)
        return bootstrap(lambda indices: figure(values[indices]), n, seed)

    return draw


def _nmad(values: np.ndarray) -> np.ndarray:
    away = np.abs(values - np.median(values, -1, keepdims=True))
    return np.asarray(1.4826 * np.median(away, -1))


def _psnr(random: np.random.Generator, n: int) -> np.ndarray:
    """Decibels of scenes: skewed to faint ones."""
    return np.asarray(40 + 6 * np.log(random.gamma(4, 0.25, n)))


def _tpr(rate: float) -> float:
    return float(special.ndtr(_SHIFT - special.ndtri(1 - rate)))


CASES = (
    Case("auroc", "bootstrap", 300, float(special.ndtr(_SHIFT / np.sqrt(2))), _auroc),
    Case("accuracy", "Clopper–Pearson", 300, 0.7,
         lambda random, seed: proportion_interval(random.uniform(size=300) < 0.7)),
    Case("rmse", "bootstrap", 300, 0.05, _of_residuals(_rmse, _normal_residuals)),
    Case("rmse", "bootstrap", 300, 0.05 * np.sqrt(5 / 3), _of_residuals(_rmse),
         note="with outliers (Student's, 5 degrees of freedom)"),
    Case("nmad", "bootstrap", 300, 0.05 * 1.4826 * float(special.stdtrit(5, 0.75)),
         _of_residuals(_nmad)),
    Case("bias", "bootstrap of a mean", 300, 0.0,
         lambda random, seed: mean_interval(_residuals(random, 300), RESAMPLES, seed)),
    Case("psnr", "bootstrap of a mean", 100, 40 + 6 * float(special.digamma(4) + np.log(0.25)),
         lambda random, seed: mean_interval(_psnr(random, 100), RESAMPLES, seed)),
    Case("tpr_at_fpr_0.1", "Clopper–Pearson, threshold of other scenes", 300, _tpr(0.1),
         lambda random, seed: _found_of_others(random, seed, 0.1)),
    Case("tpr_at_fpr_1e-2", "bootstrap", 300, _tpr(1e-2),
         lambda random, seed: _found_at_rate(random, seed, 1e-2), shown=False),
    Case("tpr_at_fpr_1e-3", "bootstrap", 300, _tpr(1e-3),
         lambda random, seed: _found_at_rate(random, seed, 1e-3), shown=False),
    Case("ece", "bootstrap", 300, 0.0, _calibration, shown=False),
)  # fmt: skip


def table(sets: int = 1000) -> str:
    """The coverage of every case, in Markdown."""
    lines = ["| metric | interval | n | coverage | in tables |", "|---|---|---:|---:|---|"]
    for case in CASES:
        share = f"{100 * case.coverage(sets):.1f} %"
        shown = "shown" if case.shown else "not shown"
        name = f"`{case.metric}` {case.note}".strip()
        lines.append(f"| {name} | {case.method} | {case.n} | {share} | {shown} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())  # noqa: T201 (a script)
