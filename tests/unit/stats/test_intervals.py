"""Intervals against theory and by simulation."""

import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap

from lensbench.stats import bootstrap, mean_interval


def test_the_interval_of_a_mean_agrees_with_scipys():
    """Both bounds lie within the resampling error of SciPy's percentile bootstrap."""
    values = np.random.default_rng(1).lognormal(size=300)
    ours = mean_interval(values, 4000, seed=0)
    theirs = scipy_bootstrap(
        (values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    tolerance = 0.08 * (theirs.high - theirs.low)
    assert ours.low == pytest.approx(theirs.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.high, abs=tolerance)
    assert ours.n == 300


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Of 400 intervals on normal samples, 95 % hold the true mean, within three sigma."""
    random = np.random.default_rng(3)
    hits = 0
    for trial in range(400):
        interval = mean_interval(random.normal(size=100), 300, seed=trial)
        hits += interval.low <= 0.0 <= interval.high
    assert abs(hits / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)


def test_a_statistic_of_indices_is_the_mean_bootstrap_where_it_is_a_mean():
    """The general bootstrap draws as the one for means does."""
    values = np.random.default_rng(4).normal(size=80)
    general = bootstrap(lambda indices: float(values[indices].mean()), 80, 500, seed=5)
    special = mean_interval(values, 500, seed=5)
    assert general.low == pytest.approx(special.low)
    assert general.high == pytest.approx(special.high)


def test_undefined_resamples_are_drawn_again():
    """A resample that lacks a class does not count."""

    def statistic(indices):
        return float("nan") if indices[0] % 2 else 1.0

    interval = bootstrap(statistic, 10, 100, seed=0)
    assert (interval.low, interval.high) == (1.0, 1.0)


def test_nothing_has_no_mean():
    """An empty aggregate is an error, never zero."""
    with pytest.raises(ValueError, match="no values"):
        mean_interval(np.array([]), 10, 0)
    with pytest.raises(ValueError, match="no scenes"):
        bootstrap(lambda _: 0.0, 0, 10, 0)
    with pytest.raises(ValueError, match="undefined"):
        bootstrap(lambda _: float("nan"), 5, 10, 0)
