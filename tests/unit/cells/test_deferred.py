"""Targets without images: what is known of scenes before anything is rendered."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensbench import Metric
from lensbench.cells.deferred import DrawnTargets, SceneImages, can_defer
from lensbench.cells.descriptions import SplitView
from lensbench.cells.images import read_samples
from lensbench.cells.resolved import Resolver
from lensbench.cells.score import score
from lensbench.registry import load_catalogue
from lensbench.sky import scenes as sky_scenes
from lensbench.store import open_store
from lensbench.study.cell import Cell, Entrant, Seeds, View
from lensbench.study.describe import Numerics
from lensbench.verification.scenes import ensure_scenes

DATASET = "lenses:population=pedagogical"


def resolved_tests(
    task: str, baseline: str, condition: str = "euclid-vis"
) -> tuple[SplitView, ...]:
    resolver = Resolver(load_catalogue(), Numerics("cpu", 1, 1))
    view = View(DATASET, condition)
    cell = Cell(Entrant("", "", "", baseline), task, view, (view,), seeds=Seeds(), budget="smoke")
    return resolver.resolve(cell).tests


@pytest.fixture
def unrendered(monkeypatch):
    """Fails where a sky is rendered."""

    def refuse(*_):
        raise AssertionError("a sky was rendered")

    monkeypatch.setattr(sky_scenes, "render_models", refuse)


@pytest.mark.parametrize("condition", ["euclid-vis", "rubin-r"])
def test_targets_are_those_of_the_stored_images(tmp_path, condition):
    """Targets, ids, conditions and images are the same, bit by bit, and so are single images."""
    (test,) = resolved_tests("morphology", "spectrum-logreg", condition)
    store = open_store(str(tmp_path / "store"))
    ensure_scenes(store, [test])
    stored = read_samples(store, test.scenes, test.images, None)
    known = DrawnTargets.of(test.scenes)
    drawn = known.samples(test.images.condition, lambda: stored.images)
    assert drawn.ids == stored.ids and drawn.condition == stored.condition
    assert drawn.data_range == stored.data_range and drawn.info == stored.info
    assert set(drawn.targets) == set(stored.targets)
    for name, values in stored.targets.items():
        assert values.dtype == drawn.targets[name].dtype
        assert torch.equal(values.nan_to_num(-9), drawn.targets[name].nan_to_num(-9))
    images = SceneImages(test.scenes)
    for index in (0, 17):
        one = images.under(test.images.condition, index)
        assert np.array_equal(one, stored.images[index].numpy())
    assert known.classes["substructure"] == ("no_sub", "cdm", "vortex")


def test_nothing_is_rendered_for_metrics_of_targets(unrendered):
    """All metrics of classes and numbers are computed without an image."""
    for task, baseline in (("morphology", "spectrum-logreg"), ("regression", "ring-radius")):
        (test,) = resolved_tests(task, baseline)
        assert can_defer(test)
        known = DrawnTargets.of(test.scenes)
        samples = known.samples(test.images.condition, lambda: pytest.fail("images were made"))
        n = len(samples)
        answers = {
            "probability": np.full((n, 3), 1 / 3, np.float32),
            "mean": np.ones((n, 1), np.float32),
            "sigma": np.ones((n, 1), np.float32),
        }
        metrics = load_catalogue().build("task", task).metrics
        scored = [score(metric, answers, samples, 10) for metric in metrics]
        assert any(one is not None and one.interval.n == n for one in scored)


def test_a_metric_that_looks_at_images_gets_them():
    """Images are made once, when the metric looks at them, and of some scenes they are those."""
    (test,) = resolved_tests("morphology", "spectrum-logreg")
    known = DrawnTargets.of(test.scenes)
    made = []

    def images() -> torch.Tensor:
        made.append(1)
        return torch.arange(float(len(known.ids)))[:, None, None, None]

    samples = known.samples(test.images.condition, images)
    some = samples.take(torch.tensor([5, 3]))
    assert some.ids == (known.ids[5], known.ids[3]) and not made
    metric = Metric("peak", lambda _, seen: seen.images.amax((1, 2, 3)).numpy(), per_sample=True)
    found = score(metric, {"score": np.zeros(2)}, some, 10)
    assert found is not None and found.interval.value == 4.0
    assert len(made) == 1


def test_skies_are_not_deferred():
    """What metrics compare with skies is drawn before they are scored."""
    assert not can_defer(resolved_tests("superres", "bicubic")[0])
