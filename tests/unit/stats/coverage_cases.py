"""How often 95 % intervals hold the truth, by simulation; run as a script it prints a table.

Each case draws scenes from a known distribution, computes a metric of them with its interval, and
counts how often the interval holds the value that the distribution gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from lensbench.stats.intervals import (
    Interval,
    mean_interval,
    percentile_interval,
    proportion_interval,
    quantile_interval,
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
        truth: Value that the distribution gives, or what computes it.
        draw: The interval of one drawn set of scenes, from a generator and a seed.
        shown: Whether tables show it.
        note: What the scenes are like, where it matters.
    """

    metric: str
    method: str
    n: int
    truth: float | Callable[[], float]
    draw: Draw
    shown: bool = True
    note: str = ""

    def coverage(self, sets: int) -> float:
        """Share of drawn sets whose interval holds the truth."""
        random = np.random.default_rng(self.n)
        truth = self.truth() if callable(self.truth) else self.truth
        found = [self.draw(random, number) for number in range(sets)]
        return float(np.mean([one.low <= truth <= one.high for one in found]))


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


Residuals = Callable[[np.random.Generator, int], np.ndarray]
"""So many residuals of radii, of a scale of one."""


def _normal(random: np.random.Generator, n: int) -> np.ndarray:
    return random.normal(size=n)


def _student(df: int) -> Residuals:
    return lambda random, n: random.standard_t(df, n)


def _with_outliers(share: float, size: float, one_sided: bool = False) -> Residuals:
    """Normal residuals, a share of which are larger by a factor, or lie as far to one side."""

    def draw(random: np.random.Generator, n: int) -> np.ndarray:
        normal, far = random.normal(size=n), random.uniform(size=n) < share
        return np.where(far, size + normal if one_sided else size * normal, normal)

    return draw


TAILS: dict[str, tuple[Residuals, float]] = {
    "normal residuals": (_normal, 1.0),
    "Student's t, 5 degrees of freedom": (_student(5), np.sqrt(5 / 3)),
    "Student's t, 3 degrees of freedom": (_student(3), np.sqrt(3)),
    "5 % of scenes with errors five times as large": (_with_outliers(0.05, 5), np.sqrt(2.2)),
    "1 % of scenes with errors ten times as large": (_with_outliers(0.01, 10), np.sqrt(1.99)),
    "2 % of scenes ten standard deviations too large": (
        _with_outliers(0.02, 10, one_sided=True),
        np.sqrt(3.0),
    ),
}
"""Distributions of residuals, each with its root mean square. The bootstrap of that covers for the
first alone, and nearly for the last, whose outliers are all as large."""

_SHARE = 0.6827
"""Of scenes whose errors are below the 68 % error."""


@functools.cache
def _error_68(residuals: Residuals) -> float:
    """The true one, of so many scenes that a thousandth is certain."""
    drawn = residuals(np.random.default_rng(0), 2_000_000)
    return float(np.quantile(np.abs(drawn), _SHARE))


def _rmse(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt((values**2).mean(-1)))


def _of_residuals(
    figure: Callable[[np.ndarray], np.ndarray],
    residuals: Residuals,
    n: int = 300,
) -> Draw:
    def draw(random: np.random.Generator, seed: int) -> Interval:
        values = residuals(random, n)
        return bootstrap(lambda indices: figure(values[indices]), n, seed)

    return draw


def _error_68_of(residuals: Residuals, n: int) -> Draw:
    return lambda random, seed: quantile_interval(np.abs(residuals(random, n)), _SHARE)


def _nmad(values: np.ndarray) -> np.ndarray:
    away = np.abs(values - np.median(values, -1, keepdims=True))
    return np.asarray(1.4826 * np.median(away, -1))


def _psnr(random: np.random.Generator, n: int) -> np.ndarray:
    """Decibels of scenes: skewed to faint ones."""
    return np.asarray(40 + 6 * np.log(random.gamma(4, 0.25, n)))


def _tpr(rate: float) -> float:
    return float(special.ndtr(_SHIFT - special.ndtri(1 - rate)))


CASES = (
    Case("auroc", "bootstrap; in tables on the logit, below", 300,
         float(special.ndtr(_SHIFT / np.sqrt(2))), _auroc),
    Case("accuracy", "Clopper–Pearson", 300, 0.7,
         lambda random, seed: proportion_interval(random.uniform(size=300) < 0.7)),
    *(
        Case("error_68", "order statistics", n, functools.partial(_error_68, residuals),
             _error_68_of(residuals, n), note=tail)
        for tail, (residuals, _) in TAILS.items()
        for n in (100, 300)
    ),
    *(
        Case("rmse", "bootstrap", 300, truth, _of_residuals(_rmse, residuals), False, tail)
        for tail, (residuals, truth) in list(TAILS.items())[1:5]
    ),
    Case("nmad", "bootstrap", 300, 1.4826 * float(special.stdtrit(5, 0.75)),
         _of_residuals(_nmad, _student(5))),
    Case("bias", "bootstrap of a mean", 300, 0.0,
         lambda random, seed: mean_interval(_student(5)(random, 300), RESAMPLES, seed)),
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
