"""Metrics of predicted numbers against the true ones, and of the stated errors.

Shares of scenes and means over scenes are given scene by scene, so that their intervals hold; those
of shares are exact. A distance from a distribution has no interval: its docstring says how large
it is where all is right. Nor has a root mean square: a few outliers, or their absence from so few
scenes, decide it, and no interval covers whatever the tails (Bahadur & Savage 1956,
doi:10.1214/aoms/1177728077). A quantile of the errors has an exact one, and ranks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from lensbench import Metric, Predictions, Samples, UndefinedError, quantile_interval
from lensbench_reference.tasks.ranks import sbc_distance, tarp_distance
from lensbench_reference.tasks.resampling import resampled_metric

_MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

OUTLIERS = (0.05, 0.15)
"""Errors from which a measurement is an outlier: |Δ|/θ_E of a length, |Δ| of what has no unit."""

LEVELS = {"68": 0.6827, "95": 0.95}
"""Shares of scenes that a stated interval should hold, by the name of its metric."""

_BINS = 4
"""Groups of equally many scenes, by the error that is stated of them."""


class Answer(NamedTuple):
    """Residuals, measured minus true (N,), and stated errors (N,) where there are any."""

    residual: np.ndarray
    sigma: np.ndarray | None

    def stated(self) -> np.ndarray:
        """Stated errors (N,).

        Raises:
            NotImplementedError: Where none are stated, so that the metric does not apply.
        """
        if self.sigma is None:
            raise NotImplementedError("no errors are stated")
        return self.sigma


def residual_metrics(name: str, index: int, unit: str) -> tuple[Metric, ...]:
    """Metrics of one real target, the 68 % error first.

    Args:
        name: Of the target.
        index: Its place in the predictions `mean` and `sigma` (N, T).
        unit: Of the target.
    """

    def each(
        figure: str, measure: Callable[[Answer], np.ndarray], unit: str = "", up: bool | None = None
    ) -> Metric:
        def measured(predictions: Predictions, samples: Samples) -> np.ndarray:
            return measure(_answer(predictions, samples, name, index))

        return Metric(
            f"{figure}_{name}",
            measured,
            unit,
            higher_is_better=up,
            per_sample=True,
            target=name,
            interval=figure != "nll",  # one outlier rules it: no interval of it covers
        )

    def residual(predictions: Predictions, samples: Samples) -> np.ndarray:
        return _answer(predictions, samples, name, index).residual

    def resampled(figure: str, measure: Callable[[np.ndarray], np.ndarray], **more: Any) -> Metric:
        def measured(predictions: Predictions, samples: Samples, indices: np.ndarray) -> np.ndarray:
            return measure(residual(predictions, samples)[indices])

        return resampled_metric(
            f"{figure}_{name}", measured, unit=unit, higher_is_better=False, target=name, **more
        )

    def bounds(predictions: Predictions, samples: Samples) -> tuple[float, float]:
        return error_68_bounds(residual(predictions, samples))

    def distance(figure: str, measure: Callable[[Answer], float]) -> Metric:
        def measured(predictions: Predictions, samples: Samples) -> float:
            return measure(_answer(predictions, samples, name, index))

        return Metric(
            f"{figure}_{name}", measured, higher_is_better=False, target=name, interval=False
        )

    def outliers(cut: float) -> Metric:
        def measured(predictions: Predictions, samples: Samples) -> np.ndarray:
            return outlying(residual(predictions, samples), _scale(samples, unit), cut)

        return Metric(
            f"outliers_{cut}_{name}",
            measured,
            higher_is_better=False,
            per_sample=True,
            target=name,
        )

    return (
        resampled("error_68", error_68, bounds=bounds, error="68"),
        resampled("rmse", rmse, interval=False, error="rms"),
        each("bias", lambda answer: answer.residual, unit),
        resampled("nmad", nmad),
        *(outliers(cut) for cut in OUTLIERS),
        *(
            each(f"coverage_{text}", partial(_within, level=level))
            for text, level in LEVELS.items()
        ),
        distance("coverage_bins", lambda answer: coverage_by_error(*_both(answer))),
        distance("sbc", lambda answer: sbc_distance(*_both(answer))),
        each("nll", lambda answer: normal_nll(*_both(answer)), "nat", up=False),
    )


def joint_metrics(names: tuple[str, ...]) -> tuple[Metric, ...]:
    """Metrics of all targets together, with the covariance of their errors where it is given.

    Errors without a covariance count as independent. Scenes that lack any of the targets are left
    out.
    """

    def known(samples: Samples) -> np.ndarray:
        return np.isfinite(_truths(samples, names)).all(1)

    def each(figure: str, measure: Callable[..., np.ndarray], unit: str, up: bool | None) -> Metric:
        def measured(predictions: Predictions, samples: Samples) -> np.ndarray:
            residual = np.asarray(predictions["mean"], np.float64) - _truths(samples, names)
            return measure(residual, _covariance(predictions))

        return Metric(
            figure,
            measured,
            unit,
            higher_is_better=up,
            per_sample=True,
            among=known,
            interval=figure != "nll_joint",
        )

    def tarp(predictions: Predictions, samples: Samples) -> float:
        which = known(samples)
        residual = np.asarray(predictions["mean"], np.float64) - _truths(samples, names)
        if not which.any():
            raise UndefinedError(f"no test scene has all of {', '.join(names)}")
        return tarp_distance(residual[which], _covariance(predictions)[which])

    return (
        *(
            each(f"coverage_{text}_joint", partial(within_ellipsoid, level=level), "", None)
            for text, level in LEVELS.items()
        ),
        each("nll_joint", joint_nll, "nat", False),
        Metric("tarp_joint", tarp, higher_is_better=False, interval=False),
    )


def rmse(residual: np.ndarray) -> np.ndarray:
    """Root mean square of residuals (..., N)."""
    return np.asarray(np.sqrt(np.mean(residual**2, -1)))


def error_68(residual: np.ndarray) -> np.ndarray:
    """What 68.3 % of absolute residuals (..., N) are below: σ of normal ones without a bias."""
    return np.asarray(np.quantile(np.abs(residual), LEVELS["68"], axis=-1))


def error_68_bounds(residual: np.ndarray) -> tuple[float, float]:
    """95 % interval of the same of residuals (N,), exact for any distribution."""
    found = quantile_interval(np.abs(residual), LEVELS["68"])
    return found.low, found.high


def nmad(residual: np.ndarray) -> np.ndarray:
    """Normalised median absolute deviation of residuals (..., N) from their median."""
    away = np.abs(residual - np.median(residual, -1, keepdims=True))
    return np.asarray(_MAD * np.median(away, -1))


def outlying(residual: np.ndarray, scale: np.ndarray, cut: float) -> np.ndarray:
    """Which residuals (N,) are larger than a fixed share of a scale (N,); NaN where it is unknown.

    The scale is not the entrant's own scatter: noise that it adds then never improves the share.
    """
    far = np.abs(residual) > cut * scale
    return far if np.isfinite(scale).all() else np.where(np.isfinite(scale), far, np.nan)


def within(residual: np.ndarray, sigma: np.ndarray, level: float) -> np.ndarray:
    """Which true values (N,) lie in the central interval of this level of the stated normal."""
    from scipy import special

    return np.asarray(np.abs(residual) <= special.ndtri(0.5 + level / 2) * sigma)


def coverage_by_error(residual: np.ndarray, sigma: np.ndarray) -> float:
    """Coverage at 68 % in four groups by stated error: mean of its squared pulls.

    A pull is the number of scenes within one stated error, less what is expected, over
    its binomial standard deviation. One is expected where errors are right whatever their
    size; in 95 % of such cases it is below 2.37 (χ² of four degrees of freedom over four). Errors
    that are too small in some scenes and too large in others show here, and not in the coverage.
    """
    level = LEVELS["68"]
    groups = np.array_split(np.argsort(sigma, kind="stable"), _BINS)
    hits = within(residual, sigma, level)
    pulls = [
        (hits[group].sum() - len(group) * level) ** 2 / (len(group) * level * (1 - level))
        for group in groups
        if len(group)
    ]
    return float(np.mean(pulls))


def normal_nll(residual: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """−log of the normal density that was stated, at the true value (N,)."""
    return np.asarray(np.log(sigma) + (residual / sigma) ** 2 / 2 + np.log(2 * np.pi) / 2)


def within_ellipsoid(residual: np.ndarray, covariance: np.ndarray, level: float) -> np.ndarray:
    """Which true vectors (N,) lie in the stated normal's ellipsoid of this level.

    Args:
        residual: (N, T).
        covariance: (N, T, T).
        level: Share that the ellipsoid should hold.
    """
    from scipy import special

    bound = 2 * special.gammaincinv(residual.shape[1] / 2, level)
    return np.asarray(_squared_distance(residual, covariance) <= bound)


def joint_nll(residual: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """−log of the stated normal density of all targets at the true vector (N,)."""
    sizes = np.linalg.slogdet(covariance)[1]
    constant = residual.shape[1] * np.log(2 * np.pi)
    return np.asarray((_squared_distance(residual, covariance) + sizes + constant) / 2)


def _squared_distance(residual: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    solved = np.linalg.solve(covariance, residual[..., None])[..., 0]
    return np.asarray((residual * solved).sum(-1))


def _within(answer: Answer, level: float) -> np.ndarray:
    return within(answer.residual, answer.stated(), level)


def _both(answer: Answer) -> tuple[np.ndarray, np.ndarray]:
    return answer.residual, answer.stated()


def _scale(samples: Samples, unit: str) -> np.ndarray:
    """What errors (N,) are held against: θ_E for a length in arcsec, one for all else."""
    if unit != "arcsec":
        return np.ones(len(samples))
    if "theta_E" not in samples.targets:
        raise NotImplementedError("no Einstein radius is known to hold errors against")
    return np.asarray(samples.targets["theta_E"].cpu().numpy(), np.float64)


def _truths(samples: Samples, names: tuple[str, ...]) -> np.ndarray:
    return np.stack([samples.targets[name].cpu().numpy() for name in names], 1).astype(np.float64)


def _covariance(predictions: Predictions) -> np.ndarray:
    """Covariances (N, T, T): as given, or diagonal from the stated errors."""
    given = predictions.get("covariance")
    if given is not None:
        return np.asarray(given, np.float64)
    sigma = predictions.get("sigma")
    if sigma is None:
        raise NotImplementedError("no errors are stated")
    return np.asarray(np.asarray(sigma, np.float64)[:, :, None] ** 2 * np.eye(sigma.shape[1]))


def _answer(predictions: Predictions, samples: Samples, name: str, index: int) -> Answer:
    mean = np.asarray(predictions["mean"])[:, index].astype(np.float64)
    truth = samples.targets[name].cpu().numpy().astype(np.float64)
    sigma = predictions.get("sigma")
    return Answer(
        mean - truth, None if sigma is None else np.asarray(sigma)[:, index].astype(np.float64)
    )
