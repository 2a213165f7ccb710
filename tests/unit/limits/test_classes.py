"""Limits of classes: against closed forms and by simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from lensbench.errors import UsageError
from lensbench.limits.classes import (
    ClassLimit,
    class_limits,
    known_signal_auroc,
    orthogonal,
    refitted,
    task_limits,
)
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.lookalikes import LookAlikes
from lensbench.sky.population import Population, Range


def test_a_weak_perturber_on_a_linear_source_has_the_closed_form():
    """S = a + g β_x, and a mass m with a core c takes g m x/(r² + c²) from it.

    Over a disc of radius R with noise σ a pixel of side h, the fit of a and g leaves
    d′² = (g m/σh)² π [½ ln(1 + R²/c²) − ½ R²/(R² + c²) − (1 − (c²/R²) ln(1 + R²/c²))²].
    """
    side, radius, core, mass, slope, sigma = 0.01, 1.0, 0.1, 1e-3, 5.0, 0.02
    axis = (torch.arange(240, dtype=torch.float64) - 119.5) * side
    x, y = torch.meshgrid(axis, axis, indexing="xy")
    inside = x**2 + y**2 < radius**2
    x, squared = x[inside], (x**2 + y**2)[inside]

    def smooth(theta):
        return (theta[0] + theta[1] * x) / sigma

    deflected = slope * mass * x / (squared + core**2)
    image = smooth(torch.tensor([3.0, slope])) - deflected / sigma
    left = refitted(smooth, torch.tensor([2.0, 1.0]), image)
    ratio = (core / radius) ** 2
    log = math.log(1 + 1 / ratio)
    shape = log / 2 - 0.5 / (1 + ratio) - (1 - ratio * log) ** 2
    expected = slope * mass / (sigma * side) * math.sqrt(math.pi * shape)
    assert float(left.norm()) == pytest.approx(expected, rel=0.01)


def test_what_the_model_can_do_leaves_nothing():
    """A curved model reaches an image of its own from elsewhere."""
    x = torch.linspace(0, 1, 50, dtype=torch.float64)

    def model(theta):
        return 100 * theta[0] * torch.exp(-theta[1] * x)

    image = model(torch.tensor([2.0, 3.0]))
    left = refitted(model, torch.tensor([1.0, 1.0]), image)
    assert float(left.norm()) < 1e-2


def test_slopes_without_length_span_nothing():
    """A parameter that the image does not depend on takes nothing away."""
    vector = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)
    slopes = torch.tensor([[2.0, 0, 0], [0, 0, 0]], dtype=torch.float64)
    assert orthogonal(vector, slopes).tolist() == pytest.approx([0, 1, 0])


def test_the_bound_is_the_area_that_simulated_observers_reach():
    """Images of scenes with known signals, ranked by their likelihood ratios."""
    random = np.random.default_rng(0)
    detectability = np.array([0.3, 1.0, 2.5])
    d = random.choice(detectability, 60_000)
    with_signal = random.normal(d**2 / 2, d)
    without = random.normal(-(d**2) / 2, d)
    reached = roc_auc_score(np.repeat([1, 0], len(d)), np.concatenate([with_signal, without]))
    assert known_signal_auroc(detectability) == pytest.approx(reached, abs=0.004)
    assert known_signal_auroc(np.array([1.0])) == pytest.approx(0.760, abs=1e-3)  # Φ(1/√2)
    assert known_signal_auroc(np.zeros(3)) == 0.5


def test_bounds_of_tasks_are_means_over_pairs():
    """Classes count alike; a class against the rest is the mean over the rest."""
    found = [
        ClassLimit("no_sub", "cdm", (9.0,)),
        ClassLimit("no_sub", "vortex", (0.0,)),
        ClassLimit("cdm", "vortex", (0.0,)),
    ]
    assert task_limits("anomaly", found) == pytest.approx(
        {"auroc": 0.75, "auroc_cdm": 1.0, "auroc_vortex": 0.5}
    )
    assert task_limits("morphology", found)["auroc"] == pytest.approx((0.75 + 0.75 + 0.5) / 3)


def test_more_substructure_is_seen_more_easily():
    """d′ of one scene is finite for each pair, larger for twice the mass, and smaller from afar."""
    euclid, plain = CONDITIONS["EUCLID_VIS"], Population()
    light = replace(plain, f_sub=Range(0.01, 0.01))
    heavy = replace(plain, f_sub=Range(0.02, 0.02))
    one, two = (class_limits(population, euclid, 1, 0) for population in (light, heavy))
    far = class_limits(light, replace(euclid, exposure_time=euclid.exposure_time / 4), 1, 0)
    pairs = [("no_sub", "cdm"), ("cdm", "vortex"), ("no_sub", "vortex")]
    assert [(limit.first, limit.second) for limit in one] == pairs
    for less, more, faint in zip(one, two, far, strict=True):
        assert 0 < faint.detectability[0] < less.detectability[0] < more.detectability[0]


def test_populations_without_substructure_have_no_limit():
    """Look-alikes are lenses and other galaxies."""
    with pytest.raises(UsageError, match="no_sub"):
        class_limits(LookAlikes(), CONDITIONS["EUCLID_VIS"], 1, 0)
