"""Figures of rankings against scikit-learn, torchmetrics and the definitions."""

import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)
from torchmetrics.functional.classification import (
    multiclass_auroc,
    multiclass_average_precision,
    multiclass_calibration_error,
)

from lensbench.cells.score import score
from lensbench.testing import made_samples
from lensbench_reference.tasks.anomaly import Anomaly
from lensbench_reference.tasks.curves import (
    auroc,
    average_precision,
    completeness_at_purity,
    purity_at_prevalence,
    threshold_counts,
    true_positive_rate,
)
from lensbench_reference.tasks.finding import Finding
from lensbench_reference.tasks.morphology import Morphology

ranked = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=60).filter(
    lambda pairs: len({kind for _, kind in pairs}) == 2
)
"""Scores with many ties, of both kinds."""


def of(pairs):
    return np.array([s for s, _ in pairs], float), np.array([k for _, k in pairs])


def whole(values, positive):
    """Counts of all samples once."""
    return threshold_counts(values, positive, ~positive, np.arange(len(values))[None])


@settings(max_examples=60, deadline=None)
@given(ranked)
def test_areas_agree_with_scikit_learn(pairs):
    """Whatever ties there are."""
    values, positive = of(pairs)
    counts = whole(values, positive)
    assert auroc(counts) == pytest.approx(roc_auc_score(positive, values))
    expected = average_precision_score(positive, values)
    assert average_precision(counts) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(ranked, st.sampled_from([0.5, 0.9, 0.99]), st.sampled_from([0.0, 1e-3, 0.1, 0.5]))
def test_points_of_curves_agree_with_scikit_learn(pairs, purity, false_rate):
    """The best completeness at a purity, and the best recall at a false positive rate."""
    values, positive = of(pairs)
    counts = whole(values, positive)
    precision, recall, _ = precision_recall_curve(positive, values)
    expected = recall[:-1][precision[:-1] >= purity].max(initial=0.0)
    assert completeness_at_purity(counts, purity) == pytest.approx(expected)
    false, true, _ = roc_curve(positive, values, drop_intermediate=False)
    expected = true[false <= false_rate].max()
    assert true_positive_rate(counts, false_rate) == pytest.approx(expected)


def test_purity_at_a_prevalence_is_bayes_rule():
    """By hand: half of four lenses above the second of them, one of three others there too."""
    values = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0])
    positive = np.array([True, False, True, False, True, True, False])
    found, wrong = 0.001 * 2 / 4, 0.999 * (1 + 1) / (3 + 1)
    expected = found / (found + wrong)
    assert purity_at_prevalence(whole(values, positive), 1e-3) == pytest.approx(expected)


def test_a_small_test_set_promises_no_pure_survey():
    """A perfect ranking of ten others shows a purity of no more than they can."""
    values, positive = np.arange(20.0), np.arange(20) >= 10
    assert purity_at_prevalence(whole(values, positive), 1e-3) < 0.02
    many = np.concatenate([np.zeros(100_000), np.ones(10)])
    assert purity_at_prevalence(whole(many, many > 0), 1e-3) > 0.97


@pytest.mark.parametrize(
    "figure",
    [
        auroc,
        average_precision,
        lambda counts: completeness_at_purity(counts, 0.9),
        lambda counts: purity_at_prevalence(counts, 1e-3),
        lambda counts: true_positive_rate(counts, 0.1),
    ],
)
@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_alone_has_no_figure(figure, kind):
    """NaN, never zero and never one."""
    assert np.isnan(figure(whole(np.arange(5.0), np.full(5, kind))))


def answered(count=300, classes=3, seed=0):
    """Samples with probabilities that know a little."""
    samples = made_samples(count=count, size=8)
    wanted = samples.targets["substructure" if classes == 3 else "lens"]
    probability = np.random.default_rng(seed).dirichlet(np.ones(classes), count)
    probability[np.arange(count), wanted.numpy()] += 0.3
    probability /= probability.sum(1, keepdims=True)
    return samples, {"probability": probability.astype(np.float32)}, wanted


def values_of(task, predictions, samples):
    found = {m.name: m.compute(predictions, samples) for m in task.metrics}
    return {name: float(np.mean(value)) for name, value in found.items()}


def test_metrics_of_classes_agree_with_torchmetrics():
    """AUROC, average precision and calibration error of three classes."""
    samples, predictions, wanted = answered()
    probability = torch.as_tensor(predictions["probability"])
    ours = values_of(Morphology(), predictions, samples)
    assert ours["auroc"] == pytest.approx(float(multiclass_auroc(probability, wanted, 3)))
    expected = float(multiclass_average_precision(probability, wanted, 3))
    assert ours["pr_auc"] == pytest.approx(expected, rel=1e-5)
    expected = float(multiclass_calibration_error(probability, wanted, 3, 15))
    assert ours["ece"] == pytest.approx(expected, abs=1e-5)


def test_finding_ranks_by_the_probability_of_a_lens():
    """Its AUROC is that of the second class, and every figure is a share."""
    samples, predictions, wanted = answered(classes=2)
    ours = values_of(Finding(), predictions, samples)
    expected = roc_auc_score(wanted, predictions["probability"][:, 1])
    assert ours["auroc"] == pytest.approx(expected)
    assert all(0 <= value <= 1 for value in ours.values())


def test_anomalies_are_all_but_the_normal_class():
    """Over all strange classes, and for each against the normal one alone."""
    samples = made_samples(count=90, size=8)
    labels = samples.targets["substructure"].numpy()
    values = np.random.default_rng(1).normal(size=90) + 0.7 * labels
    ours = {}
    for metric in Anomaly().metrics:
        scored = score(metric, {"score": values}, samples, 50)
        ours[metric.name] = scored and scored.interval.value
    assert ours["auroc"] == pytest.approx(roc_auc_score(labels > 0, values))
    chosen = labels != 1
    assert ours["auroc_vortex"] == pytest.approx(roc_auc_score(labels[chosen] == 2, values[chosen]))
    assert ours["auroc_uldm"] is None


def test_a_thousand_resamples_of_ten_thousand_scenes_are_affordable():
    """Forty resamples of the primary metric in well under half a second of processor time."""
    samples, predictions, _ = answered(10_000, 2)
    start = time.process_time()
    score(Finding().metrics[0], predictions, samples, 40)
    assert time.process_time() - start < 0.5
