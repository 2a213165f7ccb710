"""Ranks of true values in stated distributions: uniform where errors are right, and else not."""

import numpy as np
import pytest
import scipy.stats

from lensbench import UndefinedError
from lensbench.cells.score import score
from lensbench.testing import made_samples
from lensbench_reference.tasks.ranks import ranks_by_points, sbc_distance, tarp_distance
from lensbench_reference.tasks.regression import Regression

N = 1000
CRITICAL = 1.36 / np.sqrt(N)
"""What right errors of N scenes exceed in 5 % of the cases."""


def correlated(rho, count=2):
    return np.full((count, count), rho) + (1 - rho) * np.eye(count)


def drawn(true, stated, seed, scenes=N):
    """Residuals of one covariance, with another one stated, in units that differ by target."""
    random = np.random.default_rng(seed)
    units = 10.0 ** np.arange(len(true))
    residual = random.multivariate_normal(np.zeros(len(true)), true, scenes) * units
    return residual, np.tile(stated * np.outer(units, units), (scenes, 1, 1))


def single(residual, covariance):
    """Distances of each target alone."""
    sigma = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    return [sbc_distance(residual[:, i], sigma[:, i]) for i in range(residual.shape[1])]


def test_ranks_of_one_target_agree_with_scipy():
    """The statistic of Kolmogorov and Smirnov of pulls against a normal."""
    random = np.random.default_rng(3)
    sigma = random.uniform(0.05, 0.5, 300)
    residual = random.normal(0, sigma)
    expected = scipy.stats.kstest(residual / sigma, "norm").statistic
    assert sbc_distance(residual, sigma) == pytest.approx(expected)
    assert sbc_distance(residual + sigma, sigma) > 0.3


@pytest.mark.parametrize("targets", [1, 3])
def test_ranks_by_points_are_noncentral_chi_squares(targets):
    """Of independent errors: squared distances from a point, over the stated error."""
    residual, covariance = drawn(np.eye(targets), np.eye(targets), 0, 400)
    random = np.random.default_rng(1)
    points = 2 * random.standard_normal(residual.shape)
    truth = -residual / 10.0 ** np.arange(targets)
    reach = np.square(truth - points).sum(1)
    expected = scipy.stats.ncx2.cdf(reach, targets, np.square(points).sum(1))
    found = ranks_by_points(residual, covariance, points, random)
    assert np.mean(found - expected) == pytest.approx(0, abs=0.003)
    assert np.abs(found - expected).max() < 5 * 0.5 / np.sqrt(500)


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_right_errors_exceed_the_stated_size_in_a_twentieth_of_cases(rho):
    """Whether they are independent or go together."""
    right = correlated(rho)
    many = [tarp_distance(*drawn(right, right, seed, 100)) for seed in range(200)]
    assert np.mean(np.array(many) > 1.36 / 10) == pytest.approx(0.05, abs=0.04)


def test_right_errors_of_one_target_exceed_the_stated_size_in_a_twentieth_of_cases():
    """Errors of many sizes, each of them right."""
    random = np.random.default_rng(0)
    many = []
    for _ in range(600):
        sigma = random.uniform(0.05, 0.5, 400)
        many.append(sbc_distance(random.normal(0, sigma), sigma))
    assert np.mean(np.array(many) > 1.36 / 20) == pytest.approx(0.05, abs=0.025)


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_too_small_and_too_large_errors_show(factor):
    """Over- and underconfidence of two targets that go together."""
    right = correlated(0.5)
    assert tarp_distance(*drawn(right, factor**2 * right, 0)) > 1.5 * CRITICAL


@pytest.mark.parametrize(("true", "stated"), [(0.9, 0.0), (0.0, 0.9), (0.8, -0.8)])
def test_a_wrong_correlation_shows_that_single_targets_do_not_see(true, stated):
    """Left out, invented, or of the wrong sign; the errors of each target are right."""
    residual, covariance = drawn(correlated(true), correlated(stated), 1)
    assert max(single(residual, covariance)) < CRITICAL
    assert tarp_distance(residual, covariance) > CRITICAL
    assert tarp_distance(residual, np.tile(np.cov(residual.T), (N, 1, 1))) < CRITICAL


def test_the_task_takes_the_covariance_that_is_given_and_scenes_that_have_all_targets():
    """Without it errors count as independent, which is wrong here."""
    names = ("theta_E", "lens_e1")
    samples = made_samples(count=N, size=8)
    truth = np.stack([samples.targets[name].numpy() for name in names], 1)
    residual, covariance = drawn(correlated(0.9), correlated(0.9), 2)
    samples.targets["lens_e1"][::10] = np.nan
    (tarp,) = (
        metric
        for metric in Regression(Regression.Options(targets="+".join(names))).metrics
        if metric.name == "tarp_joint"
    )
    answer = {"mean": truth + residual, "sigma": np.sqrt(covariance[:, [0, 1], [0, 1]])}
    given = score(tarp, answer | {"covariance": covariance}, samples, 20).interval
    alone = score(tarp, answer, samples, 20).interval
    assert given.value < CRITICAL < alone.value
    assert np.isnan(given.low)
    with pytest.raises(NotImplementedError):
        tarp.compute({"mean": answer["mean"]}, samples)


def test_a_covariance_that_is_none_is_undefined():
    """A correlation above one."""
    residual, covariance = drawn(np.eye(2), correlated(1.5), 0, 5)
    with pytest.raises(UndefinedError, match="not positive definite"):
        tarp_distance(residual, covariance)
