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
    Scene,
    _left_by_fit,
    class_limits,
    drawn_scenes,
    known_signal_auroc,
    orthogonal,
    refitted,
    task_limits,
)
from lensbench.limits.prior import SMOOTH, PopulationPrior
from lensbench.sky.information import derivatives
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.lookalikes import LookAlikes
from lensbench.sky.population import Population, Range
from lensbench.sky.survey import Survey


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


def test_a_fit_that_ends_early_starts_again_from_the_linear_step():
    """The frequency of a sine: what is left is never more than of the first fit, and can be less.

    From a frequency of 2.4 the first fit of one of 3 ends in a local minimum.
    """
    x = torch.linspace(0, 1, 50, dtype=torch.float64)

    def model(theta):
        return 100 * theta[0] * torch.sin(2 * math.pi * theta[1] * x)

    image = model(torch.tensor([1.0, 3.0]))
    lengths = []
    for frequency in (1.8, 2.0, 2.4, 2.8, 4.6):
        start = torch.tensor([1.0, frequency], dtype=torch.float64)
        once = _left_by_fit(model, start, *derivatives(model, start), image)
        lengths.append((float(refitted(model, start, image).norm()), float(once.norm())))
    assert all(better <= first for better, first in lengths)
    assert lengths[2][0] < 1e-2
    assert lengths[2][1] > 100


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
    shallow = replace(euclid, exposure_time=euclid.exposure_time / 4)
    one, two, far = (
        class_limits(drawn_scenes(*about, 1, 0))
        for about in ((light, euclid), (heavy, euclid), (light, shallow))
    )
    pairs = [("no_sub", "cdm"), ("cdm", "vortex"), ("no_sub", "vortex")]
    assert [(limit.first, limit.second) for limit in one] == pairs
    for less, more, faint in zip(one, two, far, strict=True):
        assert 0 < faint.detectability[0] < less.detectability[0] < more.detectability[0]


def test_populations_without_substructure_have_no_limit():
    """Look-alikes are lenses and other galaxies."""
    with pytest.raises(UsageError, match="no_sub"):
        drawn_scenes(LookAlikes(), CONDITIONS["EUCLID_VIS"], 1, 0)


def test_the_prior_has_the_scatter_of_the_population():
    """Uniform parameters scatter by their width over √12; what has one value is known."""
    population = replace(Population(), source_index=Range(1.0, 1.0))
    prior = PopulationPrior.of(population, 0)
    assert "source_index" not in prior.names
    assert not any(name.startswith(("f_sub", "vortex")) for name in prior.names)
    covariance = torch.linalg.inv(prior.whitening.mT @ prior.whitening)
    scatter = dict(zip(prior.names, covariance.diagonal().sqrt().tolist(), strict=True))
    for name in ("theta_E", "lens_ellipticity", "shear", "source_radius"):
        known = getattr(population, name)
        if not known.log:
            assert scatter[name] == pytest.approx((known.high - known.low) / math.sqrt(12), rel=0.1)
    assert scatter["lens_phi"] == pytest.approx(math.pi / math.sqrt(12), rel=0.1)


def test_the_prior_takes_part_in_d_prime():
    """d′² = sᵀ(1 + JΣJᵀ)⁻¹s of a small signal s, where J changes the image by the parameters."""
    population = replace(Population(), f_sub=Range(1e-5, 1e-5))
    prior = PopulationPrior.of(population, 0)
    scene = Scene.drawn(population, 0, 0, CONDITIONS["HSC_I"], 6.4, prior)
    count = len(prior.names)
    slopes = scene.linear[1][:, :-count]
    signal = (scene.image(scene.parameters, 1) - scene.linear[0])[:-count]
    covariance = torch.linalg.inv(prior.whitening.mT @ prior.whitening)
    noise = torch.eye(len(signal)).double() + slopes.mT @ covariance @ slopes
    expected = float(signal @ torch.linalg.solve(noise, signal)) ** 0.5
    assert float(scene.residual("cdm").norm()) == pytest.approx(expected, rel=1e-3)
    assert float(scene.without_smooth(torch.cat([signal, torch.zeros(count)])).norm()) == (
        pytest.approx(expected, rel=1e-3)
    )


class OneLens(Population):
    """The same lens, source and substructure in every scene."""

    def draw(self, label, random):
        return super().draw(label, np.random.default_rng(0))


def test_a_lens_that_never_varies_needs_no_refit():
    """Its population says all of it, so d′ is the length of what substructure changes."""
    population = OneLens()
    prior = PopulationPrior.of(population, 0)
    assert prior.names == ()
    scene = Scene.drawn(population, 0, 0, CONDITIONS["EUCLID_VIS"], 6.4, prior)
    name = next(name for name in population.classes if name != SMOOTH)
    image = scene.image(scene.parameters, population.classes.index(name))
    assert torch.equal(scene.residual(name), image - scene.linear[0])


def test_lenses_of_a_survey_have_limits():
    """With the light of the lens, its slope, multipoles, neighbours and clumps of the source."""
    prior = PopulationPrior.of(Survey(), 0)
    assert {"lens_magnitude", "lens_radius", "slope", "a_4", "bulge_fraction"} <= set(prior.names)
    scene = Scene.drawn(Survey(), 2, 0, CONDITIONS["HSC_I"], 6.4, prior)
    changed = scene.image(scene.parameters, 1) - scene.linear[0]
    assert 0 < float(scene.residual("cdm").norm()) < float(changed.norm())
