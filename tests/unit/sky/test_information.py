"""Information limits: against closed forms, finite differences and estimators that reach them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench.api.dataset import Scenes
from lensbench.errors import RunError
from lensbench.sky.information import (
    NormalPrior,
    SmoothUniform,
    bayesian_bound,
    cramer_rao_bound,
    fisher_information,
    scene_model,
)
from lensbench.sky.instruments import CONDITIONS
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.sky.population import Population
from lensbench.sky.scenes import draw_scenes

EUCLID = replace(CONDITIONS["EUCLID_VIS"], psf="gaussian")
DRIZZLED = CONDITIONS["HST_ACS_DRIZZLED"]
SCALE, SIZE, FIELD = 0.0505, 144, 6.4
NAMES = ("theta_E", "lens_ellipticity", "shear", "source_x", "source_radius", "source_magnitude")
AXIS = (torch.arange(SIZE, dtype=torch.float64) - (SIZE - 1) / 2) * SCALE


def star(theta: torch.Tensor) -> torch.Tensor:
    """A Gaussian of σ = 0.15″ at (θ₀, θ₁) [arcsec] with flux θ₂ [µJy]."""
    squared = (AXIS[None, :] - theta[0]) ** 2 + (AXIS[:, None] - theta[1]) ** 2
    return (theta[2] * torch.exp(-squared / (2 * 0.15**2)) / (2 * math.pi * 0.15**2))[None]


def stripes(theta: torch.Tensor) -> torch.Tensor:
    """Three smooth patterns, each times a parameter: linear."""
    waves = [
        1 + torch.cos(n * AXIS)[:, None] * torch.sin(n * AXIS + 0.4)[None, :] for n in (1, 2, 3)
    ]
    return sum(t * wave for t, wave in zip(theta, waves, strict=True))[None]


def test_position_of_a_faint_star():
    """Background-limited, a star's place is known to σ²√(8πV)/(F p), the textbook form."""
    flux = 0.01
    information = fisher_information(
        star, torch.tensor([0.1, -0.2, flux]), EUCLID, SCALE, FIELD, variance_term=False
    )
    p = EUCLID.pixel_scale
    width2 = 0.15**2 + (EUCLID.psf_fwhm / 2.354820045) ** 2 + p**2 / 12
    electrons = flux * EUCLID.electrons_per_sb / p**2
    variance = EUCLID.sigma_electrons**2
    expected = width2 * math.sqrt(8 * math.pi * variance) / (electrons * p)
    bound = cramer_rao_bound(information).diagonal().sqrt()
    assert bound[:2].numpy() == pytest.approx([expected, expected], rel=0.03)
    assert float(bound[2]) == pytest.approx(
        flux / electrons * math.sqrt(4 * math.pi * width2 * variance) / p, rel=0.03
    )


def test_flat_field():
    """A flat source has N²(s²/σ² + s²/2σ⁴) of information on its brightness."""
    value, s = 2.0, EUCLID.electrons_per_sb

    def flat(theta: torch.Tensor) -> torch.Tensor:
        return theta[0] * torch.ones(1, SIZE, SIZE, dtype=torch.float64)

    information = fisher_information(flat, torch.tensor([value]), EUCLID, SCALE, FIELD)
    pixels = EUCLID.image_size(FIELD) ** 2
    variance = value * s + EUCLID.sky_electrons + EUCLID.read_electrons**2
    assert float(information) == pytest.approx(pixels * (s**2 / variance + s**2 / variance**2 / 2))


@pytest.mark.parametrize("label", [0, 1, 2])
def test_derivatives(label):
    """Exact derivatives of a lens agree with central differences."""
    scenes = draw_scenes(Population(lens_light=True), "train", range(3), 5, SIZE, SCALE)
    model, values = scene_model(scenes.parameters, label, NAMES, label, SIZE, SCALE, True)
    grid = grid_of(EUCLID, FIELD)

    def image(theta: torch.Tensor) -> torch.Tensor:
        sky = Scenes(("",), model(theta)[None], SCALE, np.zeros(1))
        return expose(sky, EUCLID, grid)[0, 0]

    steps = 1e-5 * torch.eye(len(NAMES), dtype=torch.float64)
    slopes = [(image(values + h) - image(values - h)) / 2e-5 for h in steps]
    variance = image(values) * EUCLID.electrons_per_sb + EUCLID.sky_electrons
    variance = variance.clamp(min=0) + EUCLID.read_electrons**2
    flat = torch.stack(slopes).flatten(1) * EUCLID.electrons_per_sb
    expected = (flat / variance.flatten()) @ flat.T
    exact = fisher_information(model, values, EUCLID, SCALE, FIELD, variance_term=False)
    scale = expected.diagonal().sqrt()
    error = (exact - expected).abs() / (scale[:, None] * scale[None, :])
    assert float(error.max()) < 1e-4


@pytest.mark.parametrize("condition", [EUCLID, DRIZZLED], ids=["independent", "correlated"])
def test_least_squares_reaches_the_bound(condition):
    """On drawn noise, weighted least squares scatters as the Cramér-Rao bound says."""
    value, draws = 0.02, 600
    grid = grid_of(condition, FIELD)
    unit = expose(
        Scenes(("",), star(torch.tensor([0.0, 0.0, 1.0]))[None], SCALE, np.zeros(1)),
        condition,
        grid,
    )
    ids = tuple(str(i) for i in range(draws))
    noise = add_noise((value * unit).expand(draws, -1, -1, -1), condition, ids, 0)
    template = (unit / condition.noise_level)[0, 0]
    frequencies = torch.fft.fftfreq(grid.size, dtype=torch.float64)
    c = condition.noise_tap
    kernel = (1 + 2 * c * torch.cos(2 * torch.pi * frequencies)) / (1 + 2 * c)
    power = (kernel[:, None] * kernel[None, :]) ** 2
    weight = torch.fft.ifft2(torch.fft.fft2(template) / power).real
    estimates = (noise[:, 0] * weight).sum((1, 2)) / (template * weight).sum()
    information = fisher_information(
        lambda theta: star(torch.cat([torch.zeros(2), theta])),
        torch.tensor([value]), condition, SCALE, FIELD, variance_term=False,
    )  # fmt: skip
    bound = float(cramer_rao_bound(information)) ** 0.5
    assert float(estimates.mean()) == pytest.approx(value, abs=5 * bound / draws**0.5)
    assert float(estimates.std()) == pytest.approx(bound, rel=0.12)


def test_linear_gaussian_posterior():
    """For a linear model with normal priors the Bayesian bound is the posterior's covariance."""
    dark = replace(
        EUCLID, sky_brightness=12.0
    )  # so bright that the source's photons are lost in it
    values = torch.tensor([1.0, -0.5, 0.3])
    information = fisher_information(stripes, values, dark, SCALE, FIELD, variance_term=False)
    priors = [NormalPrior(0.5), NormalPrior(0.2), NormalPrior(0.1)]
    bound = bayesian_bound(information[None], values[None], priors)
    grid = grid_of(dark, FIELD)
    design = torch.stack(
        [
            expose(Scenes(("",), stripes(one)[None], SCALE, np.zeros(1)), dark, grid).flatten()
            for one in torch.eye(3, dtype=torch.float64)
        ]
    )
    precision = design @ design.T / dark.noise_level**2
    posterior = torch.linalg.inv(precision + torch.diag(torch.tensor([4.0, 25.0, 100.0]).double()))
    assert bound.share == 1
    assert torch.allclose(bound.covariance, posterior, rtol=1e-4)


@pytest.mark.parametrize("taper", [0.05, 0.3, 1.0])
def test_smooth_uniform(taper):
    """A smooth uniform prior is a density whose information is the integral of p′²/p."""
    prior = SmoothUniform(0.8, 1.6, taper)
    x = torch.linspace(0.8, 1.6, 400_001, dtype=torch.float64)
    density = prior.weight(x) / 0.8
    assert float(torch.trapezoid(density, x)) == pytest.approx(1, rel=1e-6)
    slope = torch.gradient(density, spacing=(x,))[0]
    inside = density > 1e-9
    integrand = torch.where(inside, slope**2 / density.clamp(min=1e-9), 0.0)
    assert float(torch.trapezoid(integrand, x)) == pytest.approx(prior.information, rel=1e-3)
    assert float(prior.weight(x).max()) == pytest.approx(prior.largest_weight)


@pytest.mark.parametrize("noise", [0.01, 0.1, 1.0])
def test_best_estimate_keeps_the_bayesian_bound(noise):
    """The posterior mean, the best estimate there is, is nowhere better than the bound allows."""
    random = np.random.default_rng(0)
    truth = random.uniform(-0.5, 0.5, 20_000)
    seen = truth + noise * random.standard_normal(len(truth))
    x = np.linspace(-0.5, 0.5, 501)
    posterior = np.exp(-0.5 * ((seen[:, None] - x) / noise) ** 2)
    best = (posterior * x).sum(1) / posterior.sum(1)
    mse = ((best - truth) ** 2).mean()
    values = torch.from_numpy(truth)[:, None]
    information = torch.full((len(truth), 1, 1), noise**-2)
    for taper in (0.1, 0.5, 1.0):
        bound = bayesian_bound(information, values, [SmoothUniform(-0.5, 0.5, taper)])
        assert float(bound.rmse()) ** 2 <= mse
    if noise == 0.01:
        tight = bayesian_bound(information, values, [SmoothUniform(-0.5, 0.5, 0.1)])
        assert float(tight.rmse()) ** 2 > 0.9 * mse


def test_degenerate_parameters():
    """Parameters that do the same to the image, or nothing, have no bound but an error."""

    def twice(theta: torch.Tensor) -> torch.Tensor:
        return star(torch.stack([theta[0] + theta[1], theta[0] * 0, theta[2] + 1]))

    values = torch.tensor([0.1, 0.2, 0.0])
    information = fisher_information(twice, values, EUCLID, SCALE, FIELD)
    with pytest.raises(RunError, match="does not determine"):
        cramer_rao_bound(information)
    nothing = fisher_information(
        lambda theta: star(torch.tensor([0.0, 0.0, 1.0])), values[:1], EUCLID, SCALE, FIELD
    )
    with pytest.raises(RunError, match="parameter 0"):
        cramer_rao_bound(nothing)


def test_more_light_tells_more():
    """A deeper exposure of a lens bounds each of its parameters more tightly."""
    scenes = draw_scenes(Population(), "train", range(3), 0, SIZE, SCALE)
    model, values = scene_model(scenes.parameters, 1, NAMES, 1, SIZE, SCALE)
    bounds = [
        cramer_rao_bound(
            fisher_information(model, values, replace(EUCLID, num_exposures=n), SCALE, FIELD)
        ).diagonal()
        for n in (2, 4, 8)
    ]
    assert bool((bounds[0] > bounds[1]).all())
    assert bool((bounds[1] > bounds[2]).all())
