"""How often the 95 % interval of a metric holds what it estimates.

Test sets are drawn again and again from distributions of predictions whose true score is known
from very many scenes. `python docs/figures/intervals.py > docs/output/coverage.txt` makes the
table that `docs/explanation/statistics.md` shows.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from lensbench import Metric, Samples, UndefinedError
from lensbench.cells.score import score
from lensbench.registry import load_catalogue
from lensbench.testing import made_samples

SIZES = (24, 100, 300)
MANY = 100_000
Drawn = tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]
"""Predictions and targets of scenes."""


@dataclass(frozen=True)
class Case:
    """A metric on scenes whose predictions are drawn.

    Attributes:
        title: What is drawn.
        task: Whose metric it is.
        metric: Its name.
        draw: Predictions and targets of so many scenes.
    """

    title: str
    task: str
    metric: str
    draw: Callable[[np.random.Generator, int], Drawn]

    def find(self) -> Metric:
        """The metric."""
        task = load_catalogue().build("task", self.task)
        return next(one for one in task.metrics if one.name == self.metric)

    def truth(self) -> float:
        """Its value on very many scenes."""
        predictions, samples = _drawn(self, MANY, 0)
        metric = self.find()
        if metric.resampled:
            return float(metric.resampled(predictions, samples, np.arange(MANY)[None])[0])
        values = np.asarray(metric.compute(predictions, samples))
        return float(values[metric.among(samples)].mean() if metric.among else values.mean())


def scores(apart: float) -> Callable[[np.random.Generator, int], Drawn]:
    """Normal scores of lenses and of others, whose means lie so many deviations apart."""

    def draw(random: np.random.Generator, count: int) -> Drawn:
        lens = np.arange(count) % 2
        value = random.normal(apart * lens, 1.0)
        chance = 1 / (1 + np.exp(apart**2 / 2 - apart * value))
        return {"probability": np.stack([1 - chance, chance], 1)}, {"lens": lens}

    return draw


def classes(sharpness: float) -> Callable[[np.random.Generator, int], Drawn]:
    """Probabilities of three classes that are right, raised to a power."""

    def draw(random: np.random.Generator, count: int) -> Drawn:
        right = random.dirichlet(np.full(3, 0.7), count)
        labels = (random.random((count, 1)) > right.cumsum(1)).sum(1).clip(0, 2)
        bent = right**sharpness
        return {"probability": bent / bent.sum(1, keepdims=True)}, {"substructure": labels}

    return draw


def radii(heavy: bool) -> Callable[[np.random.Generator, int], Drawn]:
    """Einstein radii measured with normal errors, or with tails of Student's t of five."""

    def draw(random: np.random.Generator, count: int) -> Drawn:
        truth = random.uniform(0.6, 1.8, count)
        noise = random.standard_t(5, count) if heavy else random.normal(0, 1, count)
        sigma = np.full((count, 1), 0.05)
        return {"mean": (truth + 0.05 * noise + 0.01)[:, None], "sigma": sigma}, {"theta_E": truth}

    return draw


def skies(spread: float) -> Callable[[np.random.Generator, int], Drawn]:
    """Skies whose errors are lognormal from image to image, by so many natural logarithms."""

    def draw(random: np.random.Generator, count: int) -> Drawn:
        truth = np.ones((count, 1, 8, 8), np.float32)
        size = np.exp(random.normal(0, spread, (count, 1, 1, 1)))
        noise = 0.3 * random.normal(0, 1, truth.shape) * size
        return {"sky": (truth + noise).astype(np.float32)}, {"sky": truth}

    return draw


CASES = (
    *(
        Case(f"normal scores, {apart} apart", "finding", name, scores(apart))
        for name in ("auroc", "pr_auc")
        for apart in (1.0, 2.4)
    ),
    Case("probabilities sharpened", "morphology", "accuracy", classes(2.0)),
    Case("probabilities sharpened", "morphology", "overconfidence", classes(2.0)),
    *(
        Case("heavy tails" if heavy else "normal errors", "regression", name, radii(heavy))
        for name in ("error_68_theta_E", "bias_theta_E", "nmad_theta_E")
        for heavy in (False, True)
    ),
    *(
        Case("heavy tails", "regression", name, radii(True))
        for name in ("outliers_0.05_theta_E", "outliers_0.15_theta_E", "coverage_68_theta_E")
    ),
    *(
        Case(f"errors lognormal by {spread}", "denoising", name, skies(spread))
        for name in ("psnr", "flux_error")
        for spread in (0.3, 0.8)
    ),
)


def _drawn(case: Case, count: int, seed: int) -> tuple[Mapping[str, np.ndarray], Samples]:
    predictions, targets = case.draw(np.random.default_rng([seed, count]), count)
    made = replace(
        made_samples(2, size=8),
        ids=tuple(map(str, range(count))),
        images=torch.zeros(count, 1, 8, 8),
        targets={name: torch.from_numpy(values) for name, values in targets.items()},
    )
    return predictions, made


def coverage(case: Case, count: int, trials: int, resamples: int = 1000) -> float:
    """Share of the intervals that are shown which hold the true value; NaN where none is."""
    truth, metric, held = case.truth(), case.find(), []
    for trial in range(trials):
        predictions, samples = _drawn(case, count, trial + 1)
        with contextlib.suppress(UndefinedError):
            interval = score(metric, predictions, samples, resamples).interval
            if np.isfinite(interval.low):
                held.append(interval.low <= truth <= interval.high)
    return float(np.mean(held)) if held else float("nan")


def main() -> None:
    """Prints the table."""
    trials = 400
    lines = [
        f"share of {trials} test sets whose interval holds the true score, by test scenes\n",
        f"{'metric':<24}{'predictions':<28}" + "".join(f"{size:>8}" for size in SIZES),
    ]
    for case in CASES:
        shares = "".join(f"{coverage(case, size, trials):>8.3f}" for size in SIZES)
        lines.append(f"{case.metric:<24}{case.title:<28}{shares}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
