"""Metrics that do many resamples at once, against each resample by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from lensbench import Metric, PluginError, UndefinedError
from lensbench.testing import check_task, made_samples
from lensbench_reference.tasks.anomaly import Anomaly
from lensbench_reference.tasks.curves import auroc, threshold_counts
from lensbench_reference.tasks.finding import Finding
from lensbench_reference.tasks.morphology import Morphology
from lensbench_reference.tasks.regression import Regression

TASKS = (
    Morphology(),
    Finding(Finding.Options()),
    Anomaly(Anomaly.Options()),
    Regression(Regression.Options("theta_E+shear_1")),
)
METRICS = [(task, m) for task in TASKS for m in task.metrics if m.resampled]
COUNT = 24


def asked(task):
    """Samples with ties among their answers, a class that some resamples lack, and an outlier."""
    random = np.random.default_rng(3)
    samples = made_samples(count=COUNT, size=8)
    rare = torch.arange(COUNT) < 2
    targets = {
        "substructure": torch.where(rare, 2, torch.arange(COUNT) % 2),
        "lens": rare.long(),
        "shear_1": torch.linspace(-0.1, 0.1, COUNT),
    }
    samples = replace(samples, targets={**samples.targets, **targets})
    classes = 2 if isinstance(task, Finding) else 3
    probability = random.dirichlet(np.ones(classes), COUNT).clip(0, 0.8).round(1)
    probability[0] = np.arange(classes) == classes - 1
    score = random.integers(0, 6, COUNT)
    score[0] = 9
    mean = random.normal(1, 0.3, (COUNT, 2))
    mean[5] += 10
    return samples, {
        "probability": probability.astype(np.float32),
        "score": score.astype(np.float32),
        "mean": mean.astype(np.float32),
        "sigma": random.uniform(0.1, 0.5, (COUNT, 2)).astype(np.float32),
    }


@pytest.mark.parametrize(
    ("task", "metric"), METRICS, ids=[f"{type(t).__name__}-{m.name}" for t, m in METRICS]
)
def test_resamples_at_once_are_each_by_itself(task, metric):
    """To rounding, and NaN for the same ones."""
    samples, predictions = asked(task)
    indices = np.random.default_rng(4).integers(0, COUNT, (100, COUNT))
    if metric.name == "auroc_uldm":
        with pytest.raises(NotImplementedError):
            metric.resampled(predictions, samples, indices)
        return
    if metric.name.startswith("partial_auroc"):
        with pytest.raises(UndefinedError, match="expected 1000 or more"):
            metric.resampled(predictions, samples, indices)
        return
    each = [
        metric.compute(
            {name: values[one] for name, values in predictions.items()},
            samples.take(torch.from_numpy(one)),
        )
        for one in indices
    ]
    together = metric.resampled(predictions, samples, indices)
    assert together == pytest.approx(np.array(each), rel=1e-12, abs=1e-12, nan_ok=True)
    assert len(np.unique(together[~np.isnan(together)])) > 1


def test_a_resample_without_a_class_has_no_area():
    """NaN there and nowhere else."""
    samples, predictions = asked(TASKS[1])
    indices = np.random.default_rng(4).integers(0, COUNT, (100, COUNT))
    lacking = (indices >= 2).all(1)
    assert 0 < lacking.sum() < 100
    found = TASKS[1].metrics[0].resampled(predictions, samples, indices)
    assert np.array_equal(np.isnan(found), lacking)


def test_a_resample_has_the_area_that_scikit_learn_gives_it():
    """With its repeats, ties and what is neither positive nor negative left out."""
    random = np.random.default_rng(5)
    score, kind = random.integers(0, 8, 40).astype(float), random.integers(0, 3, 40)
    indices = random.integers(0, 40, (50, 40))
    ours = auroc(threshold_counts(score, kind == 1, kind == 0, indices))
    for found, one in zip(ours, indices, strict=True):
        chosen = one[kind[one] < 2]
        assert found == pytest.approx(roc_auc_score(kind[chosen] == 1, score[chosen]))


def test_a_metric_that_is_another_on_many_resamples_is_refused():
    """By the check of tasks, which names it."""

    def constant(predictions, samples, indices):
        return np.zeros(len(indices))

    class Wrong(Morphology):
        metrics = (Metric("area", Morphology.metrics[0].compute, resampled=constant),)

    with pytest.raises(PluginError, match="'area' differs between many resamples"):
        check_task(Wrong())
    check_task(Morphology())
