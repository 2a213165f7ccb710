"""Figures of a measured number against the true one, in the number's unit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from lensbench import Metric, Predictions, Samples

_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

_OUTLIER = 5.0
"""Scatters away from the median from which a measurement is an outlier."""

Answer = tuple[np.ndarray, np.ndarray | None]


def residual_metrics(name: str, index: int, unit: str) -> tuple[Metric, ...]:
    """Metrics of one real target, the RMSE first.

    Args:
        name: Of the target.
        index: Its place in the predictions `mean` and `sigma` (N, T).
        unit: Of the target.
    """

    def metric(
        figure: str,
        compute: Callable[[Answer], np.ndarray | float],
        unit: str = unit,
        per_sample: bool = False,
    ) -> Metric:
        def measured(predictions: Predictions, samples: Samples) -> np.ndarray | float:
            return compute(_answer(predictions, samples, name, index))

        return Metric(
            f"{figure}_{name}", measured, unit, higher_is_better=False, per_sample=per_sample,
            target=name,
        )  # fmt: skip

    return (
        metric("rmse", lambda it: float(np.sqrt(np.mean(it[0] ** 2)))),
        metric("bias", lambda it: abs(float(it[0].mean()))),
        metric("scatter", lambda it: scatter(it[0])),
        metric("outliers", lambda it: outlier_fraction(it[0]), ""),
        metric("coverage_error_68", partial(_coverage_error, sigmas=1.0, share=0.6827), ""),
        metric("coverage_error_95", partial(_coverage_error, sigmas=1.96, share=0.95), ""),
        metric("nll", _negative_log_likelihood, "nat", per_sample=True),
    )


def scatter(residual: np.ndarray) -> float:
    """Normalised median absolute deviation of residuals about their median."""
    return float(_MAD * np.median(np.abs(residual - np.median(residual))))


def outlier_fraction(residual: np.ndarray) -> float:
    """Share of residuals that lie more than five scatters from their median."""
    away = np.abs(residual - np.median(residual))
    return float(np.mean(away > _OUTLIER * _MAD * np.median(away)))


def coverage(residual: np.ndarray, sigma: np.ndarray, sigmas: float) -> float:
    """Share of true values within so many stated errors of the measured ones."""
    return float(np.mean(np.abs(residual) <= sigmas * sigma))


def _coverage_error(it: Answer, sigmas: float, share: float) -> float:
    """How far the coverage is from the stated share, to either side."""
    return abs(coverage(it[0], _sigma(it), sigmas) - share)


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
