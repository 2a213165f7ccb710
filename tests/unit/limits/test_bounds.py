"""Limits: against closed forms, and against derivatives by differences."""

import math

import numpy as np
import pytest
import torch

from lensbench.errors import UsageError
from lensbench.limits.bounds import (
    ALL,
    UNKNOWN,
    SceneSample,
    _lenses,
    _of_scene,
    _slopes,
    inner_error,
    limits,
    limits_from,
    measured_targets,
    ranges,
)
from lensbench.sky.information import SmoothUniform, bayesian_bound
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.lookalikes import LookAlikes
from lensbench.sky.population import CLASSES, Population, Range, ScenePopulation
from lensbench.sky.survey import Survey
from lensbench.sky.targets import real_targets

KNOWN = ranges(Population())
AT = {name: i for i, name in enumerate(UNKNOWN)}


def drawn(count: int) -> torch.Tensor:
    """Parameters (count, P) well inside the population."""
    random = np.random.default_rng(0)
    rows = [
        [
            math.pi * random.uniform()
            if not isinstance(prior, Range)
            else prior.low + (0.3 + 0.4 * random.uniform()) * (prior.high - prior.low)
            for prior in KNOWN.values()
        ]
        for _ in range(count)
    ]
    return torch.tensor(rows, dtype=torch.float64)


def test_independent_measurements_have_the_closed_form():
    """Information 1/σ² on each parameter and a prior of variance w²/12 give their harmonic sum."""
    information = torch.diag_embed(torch.full((6, len(UNKNOWN)), 25.0, dtype=torch.float64))
    found = limits_from(information, drawn(6), KNOWN, ["theta_E"])[0]
    width = KNOWN["theta_E"].high - KNOWN["theta_E"].low
    assert found.reference == pytest.approx((25 + 12 / width**2) ** -0.5)
    assert found.error == pytest.approx(0, abs=1e-12)
    assert (found.unit, found.scenes) == ("arcsec", 6)


def test_what_is_shared_with_another_parameter_is_lost():
    """Where θ_E and an unmeasured-else parameter do nearly the same, the limit is far larger."""
    information = torch.diag_embed(torch.full((4, len(UNKNOWN)), 1e6, dtype=torch.float64))
    i, j = AT["theta_E"], AT["source_index"]
    alone = limits_from(information, drawn(4), KNOWN, ["theta_E"])[0].reference
    information[:, i, j] = information[:, j, i] = 0.99e6
    shared = limits_from(information, drawn(4), KNOWN, ["theta_E"])[0].reference
    assert shared / alone == pytest.approx((1 - 0.99**2) ** -0.5, rel=1e-2)


def test_scenes_that_say_less_rule_the_mean():
    """The squared errors are averaged: of 1e-6 and 1e-2, half of the latter; van Trees is below."""
    information = torch.diag_embed(torch.full((2, len(UNKNOWN)), 1e6, dtype=torch.float64))
    information[1] /= 1e4
    found = limits_from(information, drawn(2), KNOWN, ["theta_E"])[0]
    prior = 12 / (KNOWN["theta_E"].high - KNOWN["theta_E"].low) ** 2
    expected = ((1 / (1e6 + prior) + 1 / (1e2 + prior)) / 2) ** 0.5
    assert found.reference == pytest.approx(expected)
    assert found.bound < found.reference


def test_the_local_reference_is_no_bound_and_van_trees_is():
    """A number that is uniform between −1 and 1, measured with an error of 0.2.

    The posterior mean errs by 0.181, the best linear estimate, which the reference is of, by 0.189:
    for a prior that is not normal Bayes is better. Van Trees' bound lies below both.
    """
    sigma, grid = 0.2, (np.arange(2000) + 0.5) / 1000 - 1
    seen = np.linspace(-1 - 8 * sigma, 1 + 8 * sigma, 4001)
    density = np.exp(-(((seen[:, None] - grid) / sigma) ** 2) / 2) / (sigma * np.sqrt(2 * np.pi))
    mean = (density * grid).sum(1) / density.sum(1)
    squared = ((mean[:, None] - grid) ** 2 * density).mean(1).sum() * (seen[1] - seen[0])
    bayes = math.sqrt(squared)
    reference = (sigma**-2 + 3) ** -0.5
    information = torch.full((512, 1, 1), sigma**-2, dtype=torch.float64)
    values = torch.linspace(-1, 1, 512, dtype=torch.float64)[:, None]
    bounds = [
        float(bayesian_bound(information, values, [SmoothUniform(-1, 1, taper)]).rmse()[0])
        for taper in (0.1, 0.5, 1.0)
    ]
    assert (bayes, reference) == pytest.approx((0.181, 0.189), abs=5e-4)
    assert 0.05 < max(bounds) < bayes


class InArcsec(Population):
    """Places sources in arcsec."""

    source_scale = "arcsec"


@pytest.mark.parametrize("population", [Population(), InArcsec()])
@pytest.mark.parametrize("target", measured_targets(Population()))
def test_slopes_are_the_derivatives_of_the_targets(target, population):
    """Each agrees with a central difference of the target that scenes are given."""
    at, step = drawn(1)[0], 1e-2
    relative = population.source_scale == "theta_E"
    (slopes,) = _slopes(target, [dict(zip(UNKNOWN, at, strict=True))], UNKNOWN, relative)

    def value(moved: torch.Tensor) -> float:
        arrays = {name: moved[i : i + 1].numpy() for name, i in AT.items()}
        return float(real_targets(population, arrays, np.zeros(1, np.int64))[target][0])

    for i in range(len(UNKNOWN)):
        shift = torch.zeros(len(UNKNOWN), dtype=torch.float64)
        shift[i] = step
        difference = (value(at + shift) - value(at - shift)) / (2 * step)
        assert float(slopes[i]) == pytest.approx(difference, abs=2e-3)


class OfAnyKind(ScenePopulation):
    """The pedagogical population, of which it is not known that its numbers are independent."""

    target, classes, source_scale = "substructure", CLASSES, "theta_E"

    def draw(self, label, random):
        return Population().draw(label, random)

    def model(self, parameters, label):
        return Population().model(parameters, label)


def test_a_sample_covariance_is_as_good_a_prior_as_known_ranges():
    """Where numbers are independent both give the reference; van Trees' bound takes the ranges."""
    hyper, sample = CONDITIONS["HSC_I"], SceneSample(2)
    names = ["theta_E", "lens_e1", "shear_2", "source_x"]
    ranged = limits(Population(), hyper, names, sample)
    sampled = limits(OfAnyKind(), hyper, names, sample)
    for one, other in zip(ranged, sampled, strict=True):
        assert other.reference == pytest.approx(one.reference, rel=0.05)
        assert math.isnan(other.bound)
    assert ranged[0].bound < ranged[0].reference


def test_the_light_of_the_lens_is_unknown_where_it_shines():
    """The reference is above what it is with light of known magnitude and radius."""
    population, hyper, sample = Population(lens_light=True), CONDITIONS["HSC_I"], SceneSample(2)
    (found,) = limits(population, hyper, ["theta_E"], sample)
    told, rows = [], []
    for index in (0, 3):
        information, p = _of_scene(population, index, 0, UNKNOWN, hyper, sample)
        told.append(information)
        rows.append(torch.stack([p[name] for name in UNKNOWN]))
    (known,) = limits_from(torch.stack(told), torch.stack(rows), KNOWN, ["theta_E"])
    assert known.reference < found.reference


def test_only_lenses_have_limits():
    """Of look-alikes those that are lenses, whatever class is asked for."""
    for only in ("lens", ALL):
        scenes = _lenses(LookAlikes(others=2), only)
        assert [next(scenes) for _ in range(3)] == [(2, 1), (5, 1), (8, 1)]
    assert SceneSample().lens_class(LookAlikes()) == "lens"
    assert SceneSample().lens_class(Survey()) == "no_sub"
    with pytest.raises(UsageError, match="non_lens"):
        SceneSample(only="non_lens").lens_class(LookAlikes())


def test_what_has_no_limit_is_refused_by_name():
    """A target that is not measured so, a class that is not there, too few scenes."""
    survey = (Population(), CONDITIONS["EUCLID_VIS"])
    with pytest.raises(UsageError, match="f_sub"):
        limits(*survey, ["f_sub"], SceneSample(6))
    with pytest.raises(UsageError, match="no_subs"):
        limits(*survey, ["theta_E"], SceneSample(6, only="no_subs"))
    with pytest.raises(UsageError, match="expected 2 or more"):
        limits(*survey, ["theta_E"], SceneSample(1))


@pytest.mark.slow
def test_a_fit_that_starts_at_the_truth_reaches_the_limit_and_no_more():
    """Least squares on drawn noise: over smooth scenes the squared error is that of the limit.

    One Gauss–Newton step from the truth is the most that noise alone lets anyone do, and so its
    squared error in units of the bound is χ² of one degree of freedom a scene.
    """
    from lensbench.sky.information import derivatives, scene_model
    from lensbench.sky.observation import add_noise, expose, grid_of
    from lensbench.sky.scenes import draw_scenes

    condition, count, noises = CONDITIONS["EUCLID_VIS"], 2, 60
    scenes = draw_scenes(Population(), "test", [0, 3], 0)
    grid = grid_of(condition, 6.4)
    ratios = []
    for row, index in enumerate((0, 3)):
        information, _ = _of_scene(Population(), index, 0, UNKNOWN, condition, SceneSample())
        model, values = scene_model(scenes.parameters, row, UNKNOWN, 0, 288, 0.025)
        sky, slopes = derivatives(model, values)
        stack = torch.cat([sky[None], slopes])
        seen = expose(
            type(scenes)(("",) * len(stack), stack, 0.025, np.zeros(len(stack))), condition, grid
        ).double()
        mean, jacobian = seen[0], seen[1:].flatten(1) * condition.electrons_per_sb
        variance = (mean * condition.electrons_per_sb + condition.sigma_electrons**2).flatten()
        weighted = jacobian / variance
        inverse = torch.linalg.inv(weighted @ jacobian.T)
        names = tuple(f"{index}-{noise}" for noise in range(noises))
        noisy = add_noise(mean[None].expand(noises, -1, -1, -1), condition, names, 1)
        residual = (noisy * condition.sigma_electrons).flatten(1) - (
            mean * condition.electrons_per_sb
        ).flatten()
        step = (inverse @ (weighted @ residual.T))[0]
        bound = float(torch.linalg.inv(information)[0, 0])
        ratios.append(float(step.square().mean()) / bound)
    assert count == len(ratios)
    efficiency = float(np.mean(ratios)) ** -0.5
    # 120 squares: their mean scatters by √(2/120) = 0.13, its root by half of that.
    assert efficiency == pytest.approx(1.0, abs=0.2)


def test_the_inner_error_of_scenes_that_differ():
    """Of one σ it is σ; of two it is where their mean probability is 68.27 %."""
    assert inner_error(torch.tensor([0.3, 0.3])) == pytest.approx(0.3, rel=1e-6)
    sigma = torch.tensor([0.1, 1.0])
    inner = inner_error(sigma)
    draws = torch.randn(400_000, 2, generator=torch.Generator().manual_seed(0)) * sigma
    assert float((draws.abs() < inner).float().mean()) == pytest.approx(0.6827, abs=0.002)
    assert 0.1 < inner < 1.0
