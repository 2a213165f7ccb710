"""Ranks of the true values in stated distributions: uniform where the stated errors are right.

Their largest distance from a uniform distribution is the statistic of Kolmogorov and Smirnov: right
errors of N scenes exceed 1.36/√N in 5 % of the cases.
"""

from __future__ import annotations

import numpy as np

from lensbench import UndefinedError

_DRAWN = 500
"""Vectors that are drawn from each stated distribution."""

_AWAY = 5.0
"""Distance of the random points from what is predicted, in stated errors of each target.

Points at the prediction itself would not see a correlation of the wrong sign, for its ellipsoids
reach as far; points far beyond see errors along one direction alone.
"""

_TOGETHER = 2**20
"""Numbers that are drawn at once: 8 MB."""


def sbc_distance(residual: np.ndarray, sigma: np.ndarray) -> float:
    """Distance of the ranks of one target, Φ(−Δ/σ), from a uniform distribution.

    Simulation-based calibration (Talts et al. 2018, arXiv:1804.06788) with the rank that endless
    posterior samples would give.

    Args:
        residual: Measured minus true (N,).
        sigma: Stated (N,).
    """
    from scipy import special

    return distance_from_uniform(special.ndtr(-residual / sigma))


def tarp_distance(residual: np.ndarray, covariance: np.ndarray) -> float:
    """Distance of the ranks of all targets together from a uniform distribution.

    Tests of accuracy with random points (Lemos et al. 2023, arXiv:2302.03026): a true vector's rank
    is the share of the stated distribution that lies nearer than it to a random point. Wrong
    correlations show, which the ranks of single targets cannot see.

    Args:
        residual: Measured minus true (N, T).
        covariance: Stated (N, T, T).
    """
    random = np.random.default_rng(0)  # the same points for every entrant
    points = _AWAY * random.standard_normal(residual.shape)
    return distance_from_uniform(ranks_by_points(residual, covariance, points, random))


def ranks_by_points(
    residual: np.ndarray, covariance: np.ndarray, points: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Share (N,) of each stated normal distribution that lies nearer to a point than the truth.

    Distances are Euclidean, in units of the stated error of each target. Shares are of `_DRAWN`
    vectors; those of right errors are uniform exactly, for ranks are spread over their interval.

    Args:
        residual: Measured minus true (N, T).
        covariance: Stated (N, T, T).
        points: Relative to what was measured, in stated errors (N, T).
        random: Draws the vectors.

    Raises:
        UndefinedError: Where a covariance is not positive definite.
    """
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    correlation = covariance / (sigma[:, :, None] * sigma[:, None, :])
    truth = -residual / sigma
    nearer = np.empty(len(truth))
    step = max(1, _TOGETHER // (_DRAWN * truth.shape[1]))
    for some in np.split(np.arange(len(truth)), range(step, len(truth), step)):
        try:
            factor = np.linalg.cholesky(correlation[some])
        except np.linalg.LinAlgError:
            raise UndefinedError("a stated covariance is not positive definite") from None
        drawn = random.standard_normal((len(some), _DRAWN, truth.shape[1])) @ factor.mT
        away = np.square(drawn - points[some, None]).sum(2)
        reach = np.square(truth[some] - points[some]).sum(1)
        nearer[some] = (away < reach[:, None]).sum(1)
    return np.asarray((nearer + random.uniform(size=len(truth))) / (_DRAWN + 1))


def distance_from_uniform(ranks: np.ndarray) -> float:
    """Largest distance of the distribution of ranks (N,) in [0, 1] from the uniform one."""
    ordered = np.sort(ranks)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max((steps[1:] - ordered).max(), (ordered - steps[:-1]).max()))
