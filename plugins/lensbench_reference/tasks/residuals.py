"""Figures of a measured number against the true one, in the number's unit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from lensbench import Metric, Predictions, Samples
from lensbench_reference.tasks.resampling import resampled_metric

_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

_OUTLIER = 5.0
"""Scatters away from the median from which a measurement is an outlier."""

Answer = tuple[np.ndarray, np.ndarray | None]
"""Residuals, measured minus true, and stated errors where there are any; (..., N) each."""


def residual_metrics(name: str, index: int, unit: str) -> tuple[Metric, ...]:
    """Metrics of one real target, the RMSE first.

    Args:
        name: Of the target.
        index: Its place in the predictions `mean` and `sigma` (N, T).
        unit: Of the target.
    """

    def metric(figure: str, measure: Callable[[Answer], np.ndarray], unit: str = unit) -> Metric:
        def measured(predictions: Predictions, samples: Samples, indices: np.ndarray) -> np.ndarray:
            residual, sigma = _answer(predictions, samples, name, index)
            return measure((residual[indices], None if sigma is None else sigma[indices]))

        return resampled_metric(
            f"{figure}_{name}", measured, unit=unit, higher_is_better=False, target=name
        )

    def likelihood(predictions: Predictions, samples: Samples) -> np.ndarray:
        return _negative_log_likelihood(_answer(predictions, samples, name, index))

    return (
        metric("rmse", lambda it: np.sqrt(np.mean(it[0] ** 2, -1))),
        metric("bias", lambda it: np.abs(it[0].mean(-1))),
        metric("scatter", lambda it: scatter(it[0])),
        metric("outliers", lambda it: outlier_fraction(it[0]), ""),
        metric("coverage_error_68", partial(_coverage_error, sigmas=1.0, share=0.6827), ""),
        metric("coverage_error_95", partial(_coverage_error, sigmas=1.96, share=0.95), ""),
        Metric(
            f"nll_{name}", likelihood, "nat", higher_is_better=False, per_sample=True, target=name
        ),
    )


def scatter(residual: np.ndarray) -> np.ndarray:
    """Normalised median absolute deviation of residuals (..., N) about their median."""
    return np.asarray(_MAD * np.median(_away(residual), -1))


def outlier_fraction(residual: np.ndarray) -> np.ndarray:
    """Share of residuals (..., N) that lie more than five scatters from their median."""
    away = _away(residual)
    return np.asarray(np.mean(away > _OUTLIER * _MAD * np.median(away, -1, keepdims=True), -1))


def _away(residual: np.ndarray) -> np.ndarray:
    """Absolute deviations from the median."""
    return np.abs(residual - np.median(residual, -1, keepdims=True))


def coverage(residual: np.ndarray, sigma: np.ndarray, sigmas: float) -> np.ndarray:
    """Share of true values (..., N) within so many stated errors of the measured ones."""
    return np.asarray(np.mean(np.abs(residual) <= sigmas * sigma, -1))


def _coverage_error(it: Answer, sigmas: float, share: float) -> np.ndarray:
    """How far the coverage is from the stated share, to either side."""
    return np.abs(coverage(it[0], _sigma(it), sigmas) - share)


def _negative_log_likelihood(it: Answer) -> np.ndarray:
    """−log of the normal density that was stated, at the true value (N,)."""
    sigma = _sigma(it)
    return np.asarray(np.log(sigma) + (it[0] / sigma) ** 2 / 2 + np.log(2 * np.pi) / 2)


def _sigma(it: Answer) -> np.ndarray:
    if it[1] is None:
        raise NotImplementedError("no errors are stated")
    return it[1]


def _answer(predictions: Predictions, samples: Samples, name: str, index: int) -> Answer:
    """Residuals (N,), measured minus true, and stated errors (N,) where there are any."""
    mean = np.asarray(predictions["mean"])[:, index].astype(np.float64)
    truth = samples.targets[name].cpu().numpy().astype(np.float64)
    sigma = predictions.get("sigma")
    return mean - truth, None if sigma is None else np.asarray(sigma)[:, index].astype(np.float64)
