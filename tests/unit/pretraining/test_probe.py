"""Linear probes."""

from __future__ import annotations

import numpy as np
import pytest

from lensbench import Target
from lensbench.pretraining.probe import aurocs, halves, probed, r_squared

REAL, CLASS = Target("real", unit="arcsec"), Target("class", classes=("a", "b", "c"))


def test_what_is_linear_in_the_features_is_known():
    """R² is near one where the target is a linear function of the features."""
    features = np.random.default_rng(0).normal(size=(200, 5))
    metric, interval = probed(features, features @ np.arange(5.0) + 2, REAL)
    assert metric == "r2" and interval.value > 0.99
    assert interval.low <= interval.value <= interval.high and interval.n == 100


def test_what_features_do_not_hold_is_not_known():
    """R² of noise is not above zero by more than chance."""
    random = np.random.default_rng(1)
    _, interval = probed(random.normal(size=(400, 5)), random.normal(size=400), REAL)
    assert interval.value < 0.1


def test_separate_classes_are_told_apart():
    """The area under the curve is one where classes do not overlap."""
    labels = np.arange(90) % 3
    features = np.eye(3)[labels] + 0.01 * np.random.default_rng(2).normal(size=(90, 3))
    metric, interval = probed(features, labels, CLASS)
    assert metric == "auroc" and interval.value == 1


def test_undefined_values_do_not_count():
    """Scenes in which a target is NaN are left out."""
    features = np.random.default_rng(0).normal(size=(100, 3))
    values = features[:, 0].copy()
    values[::2] = np.nan
    assert probed(features, values, REAL)[1].n == 25
    assert probed(features, np.full(100, np.nan), REAL) is None


def test_halves_have_all_classes_alike():
    """Half of each class is fitted, though classes come in turn."""
    labels = np.arange(60) % 2
    fitted = halves(labels, CLASS)
    assert fitted.sum() == 30 and labels[fitted].sum() == 15


def test_r_squared_of_the_mean_is_zero():
    """An answer that is the mean explains nothing."""
    truth = np.array([1.0, 2.0, 6.0])
    assert r_squared(truth, np.full(3, 3.0)) == pytest.approx(0)


def test_areas_are_those_of_scikit_learn():
    """Class by class, with ties, for each set of scenes; NaN for a set without a class."""
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(3)
    order = random.integers(0, 3, (4, 40))
    order[3] %= 2
    chances = random.integers(0, 5, (4, 40, 3)) / 4
    found = aurocs(order, chances)
    for score, known, chance in zip(found[:3], order, chances, strict=False):
        each = [metrics.roc_auc_score(known == k, chance[:, k]) for k in range(3)]
        assert score == pytest.approx(np.mean(each), abs=1e-12)
    assert np.isnan(found[3])
