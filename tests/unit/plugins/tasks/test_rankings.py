"""Areas under curves against scikit-learn and torchmetrics."""

import contextlib
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    roc_auc_score,
)
from torchmetrics.functional.classification import (
    multiclass_auroc,
    multiclass_average_precision,
    multiclass_calibration_error,
)

from lensbench import Target, UndefinedError
from lensbench.cells.score import score
from lensbench.testing import made_samples
from lensbench_reference.tasks.anomaly import Anomaly
from lensbench_reference.tasks.curves import (
    auroc,
    average_precision,
    partial_auroc,
    threshold_counts,
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
@given(ranked, st.sampled_from([0.01, 0.1, 0.5]))
def test_partial_areas_agree_with_scikit_learn(pairs, most):
    """Standardised by McClish, whatever ties there are."""
    values, positive = of(pairs)
    expected = roc_auc_score(positive, values, max_fpr=most)
    assert partial_auroc(whole(values, positive), most) == pytest.approx(expected)


@pytest.mark.parametrize(
    "area", [auroc, average_precision, lambda counts: partial_auroc(counts, 0.1)]
)
@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_alone_has_no_area(area, kind):
    """NaN, never zero and never one."""
    with np.errstate(invalid="ignore"):
        assert np.isnan(area(whole(np.arange(5.0), np.full(5, kind))))


def finding(rank="auroc"):
    return Finding(Finding.Options(rank))


def answered(count=300, classes=3, seed=0):
    """Samples with probabilities that know a little."""
    samples = made_samples(count=count, size=8)
    wanted = samples.targets["substructure" if classes == 3 else "lens"]
    probability = np.random.default_rng(seed).dirichlet(np.ones(classes), count)
    probability[np.arange(count), wanted.numpy()] += 0.3
    probability /= probability.sum(1, keepdims=True)
    return samples, {"probability": probability.astype(np.float32)}, wanted


def values_of(task, predictions, samples):
    found = {}
    for metric in task.metrics:
        with contextlib.suppress(UndefinedError):
            found[metric.name] = float(np.mean(metric.compute(predictions, samples)))
    return found


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
    """Its AUROC is that of the second class; 150 others measure no rate of one in a thousand."""
    samples, predictions, wanted = answered(classes=2)
    ours = values_of(finding(), predictions, samples)
    expected = roc_auc_score(wanted, predictions["probability"][:, 1])
    assert ours["auroc"] == pytest.approx(expected)
    assert "tpr_at_fpr_1e-3" not in ours


def test_the_ranking_metric_comes_first_and_none_is_lost():
    """Whichever was asked for."""
    names = {rank: [m.name for m in finding(rank).metrics] for rank in (
        "auroc", "partial_auroc_1e-2", "tpr_at_fpr_1e-3"
    )}  # fmt: skip
    assert all(found[0] == rank for rank, found in names.items())
    assert len({tuple(sorted(found)) for found in names.values()}) == 1


def test_anomalies_are_all_but_the_normal_class():
    """Over all strange classes, and for each against the normal one alone."""
    samples = made_samples(count=90, size=8)
    labels = samples.targets["substructure"].numpy()
    values = np.random.default_rng(1).normal(size=90) + 0.7 * labels
    ours = {}
    for metric in Anomaly(Anomaly.Options()).metrics:
        with contextlib.suppress(UndefinedError):
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
    score(finding().metrics[0], predictions, samples, 40)
    assert time.process_time() - start < 0.5


def test_each_class_has_an_area_against_the_others():
    """As scikit-learn has it; it does not apply to a class that the data lack."""
    samples = made_samples(count=90)
    samples.targets["substructure"] = torch.arange(90) % 3
    probability = torch.rand(90, 3, generator=torch.Generator().manual_seed(0))
    answer = {"probability": (probability / probability.sum(1, keepdim=True)).numpy()}
    metrics = {metric.name: metric for metric in Morphology.metrics}
    for which, name in enumerate(samples.info["substructure"].classes):
        expected = roc_auc_score(
            samples.targets["substructure"] == which, answer["probability"][:, which]
        )
        found = score(metrics[f"auroc_{name}"], answer, samples, 10).interval
        assert found.value == pytest.approx(expected)
        assert found.low < expected < found.high
    other = replace(samples, info={"substructure": Target("class", classes=("a", "b", "c"))})
    assert score(metrics["auroc_cdm"], answer, other, 10) is None
    with pytest.raises(NotImplementedError, match="has no class 'cdm', but a, b, c"):
        metrics["auroc_cdm"].compute(answer, other)
