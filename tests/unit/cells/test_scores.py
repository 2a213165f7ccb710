"""Metrics that do not apply or have no value, and tasks with nothing to train."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.runs import run_cells

from lensbench import IncompatibleError
from lensbench.api.task import Metric
from lensbench.cells.checks import Checks
from lensbench.cells.plugins import Plugins
from lensbench.cells.resolved import Resolver
from lensbench.cells.rows import done_rows
from lensbench.cells.score import score
from lensbench.errors import UndefinedError
from lensbench.testing import made_samples


def of(metric, count=12, **targets):
    samples = made_samples(count=count)
    samples = replace(samples, targets={**samples.targets, **targets})
    scored = score(metric, {"mean": np.zeros((count, 1))}, samples, 20)
    return scored and scored.interval


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_metric_without_a_value_says_so(value):
    """What is not finite is not taken for a number: one for all, or that of a scene."""
    each = np.append(np.zeros(11), value)
    metric = Metric("odd", lambda predictions, samples: each, per_sample=True)
    with pytest.raises(UndefinedError, match="odd is not finite for 1 of 12 scenes"):
        of(metric)
    with pytest.raises(UndefinedError, match="odd is not finite on these 12 scenes"):
        of(Metric("odd", lambda predictions, samples: float(value)))


def test_a_metric_that_does_not_apply_has_no_interval():
    """It says so by NotImplementedError."""

    def compute(predictions, samples):
        raise NotImplementedError

    assert of(Metric("other", compute)) is None


def test_a_resampled_metric_sees_targets_and_no_images():
    """As many of them as there are scenes, in the order of the resample."""
    seen = []

    def compute(predictions, samples):
        seen.append((len(samples), samples.images.numel(), len(samples.targets["theta_E"])))
        return 1.0

    of(Metric("count", compute))
    assert set(seen) == {(12, 0, 12)}


def test_a_metric_may_do_all_resamples_at_once():
    """Value, interval and resamples are those of one that does each by itself."""

    def compute(predictions, samples):
        return float(samples.targets["theta_E"].max())

    def resampled(predictions, samples, indices):
        return samples.targets["theta_E"].numpy()[indices].max(1)

    one, other = (
        score(metric, {}, made_samples(count=12), 20)
        for metric in (Metric("most", compute), Metric("most", compute, resampled=resampled))
    )
    assert one.interval == other.interval
    assert np.array_equal(one.values, other.values)
    assert len(set(one.values)) > 1


def test_only_scenes_with_the_target_count():
    """In the value and in n."""
    theta_E = torch.arange(12.0)
    theta_E[:4] = torch.nan
    metric = Metric(
        "mean",
        lambda predictions, samples: samples.targets["theta_E"].numpy(),
        per_sample=True,
        target="theta_E",
    )
    interval = of(metric, theta_E=theta_E)
    assert (interval.value, interval.n) == (7.5, 8)


def test_only_scenes_that_a_metric_is_among_count():
    """A share of the lenses is of the lenses alone, with the exact interval of their number."""
    metric = Metric(
        "found",
        lambda predictions, samples: samples.targets["lens"].numpy() == 1,
        per_sample=True,
        among=lambda samples: samples.targets["lens"].numpy() == 1,
    )
    interval = of(metric)
    assert (interval.value, interval.high, interval.n) == (1.0, 1.0, 6)
    assert interval.low == pytest.approx(0.025 ** (1 / 6))
    with pytest.raises(UndefinedError, match="found is of none of these 12 scenes"):
        of(metric, lens=torch.zeros(12))


def test_a_metric_may_show_no_interval():
    """Its value stands alone, and no resample of it is kept."""
    scored = score(Metric("far", lambda *_: 3.0, interval=False), {}, made_samples(count=12), 20)
    assert scored.interval.value == 3.0
    assert np.isnan([scored.interval.low, scored.interval.high]).all()
    assert len(scored.values) == 0


def test_an_undefined_metric_is_a_row_with_its_reason(catalogue):
    """Beside the rows of those that have a value."""
    resolver = Resolver(catalogue)
    cells = run_cells(catalogue, "anomaly", baseline="pca-residual", budget="smoke")
    cell = resolver.resolve(cells[0])
    samples = made_samples(count=12)
    normal = torch.zeros(12, dtype=torch.int64)
    samples = replace(samples, targets={"substructure": normal})
    predictions = {"score": np.arange(12.0)}
    rows, scores = done_rows(cell, cell.tests[0], samples, predictions, {})
    first = next(row for row in rows if row["primary"])
    assert first["metric"] not in {one["metric"] for one in scores}
    assert first["state"] == "undefined"
    assert "auroc" in first["error"]
    assert "value" not in first
    assert first["predictions"]


def test_a_task_without_a_head_refuses_who_would_train_one(catalogue):
    """Before anything runs; the reference encoders are not asked."""
    cells = run_cells(catalogue, "anomaly", baseline="pca-residual", budget="smoke")
    assert all(cell.entrant.baseline for cell in cells)
    refused = run_cells(catalogue, "anomaly", encoder="resnet18", budget="smoke")[0]
    with pytest.raises(IncompatibleError, match="no head"):
        Checks(Plugins(catalogue)).check(refused)


def test_a_task_may_want_the_sky_under_the_same_condition(catalogue):
    """The reference of a denoised image is its own condition."""
    resolver = Resolver(catalogue)
    scenes = resolver.scenes("lenses", "test", 1, 0)
    images, sky = resolver.layers(scenes, "euclid-vis", "denoising")
    assert sky.sky[1] == sky.condition == images.condition
