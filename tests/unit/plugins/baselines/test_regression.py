"""The fitted lens model: its derivatives, its optimum, its errors; and the ring's radius."""

import numpy as np
import pytest
import torch
from tests.lenses import lens_of

from lensbench import (
    Population,
    condition_of,
    cramer_rao_bound,
    draw_scenes,
    fisher_information,
    scene_model,
)
from lensbench_reference.baselines.lens_model import LensModel, extra_scatter
from lensbench_reference.baselines.ring_radius import RingRadius
from lensbench_reference.lens_fitting.lens_fit import Optics, least_squares, with_slopes
from lensbench_reference.lens_fitting.lens_images import Fitting, binned, fit_lenses
from lensbench_reference.lens_fitting.lens_slopes import sky_and_slopes
from lensbench_reference.lens_fitting.lens_starts import blind_starts
from lensbench_reference.lens_fitting.rings import shines
from lensbench_reference.lens_fitting.smooth_lens import CENTRE, LENS_ONLY, NAMES, WIDTH

DRAWN = (
    "theta_E", "lens_ellipticity", "lens_phi", "shear", "shear_phi", "lens_x", "lens_y",
    "source_x", "source_y", "source_magnitude", "source_radius", "source_index",
    "source_ellipticity", "source_phi",
)  # fmt: skip


def a_lens(**changed):
    """Parameters (1, 14) of a plain lens."""
    plain = {"ln_theta_E": 0.2, "magnitude": 22.5, "source_x": 0.15, "source_y": -0.1}
    return lens_of(**(plain | changed))


@pytest.mark.parametrize("count", [LENS_ONLY, 19, len(CENTRE)], ids=["dark", "bright", "disc"])
def test_derivatives_in_closed_form_are_those_of_forward_mode(count):
    """In double precision, with and without the light of the lens galaxy."""
    optics = Optics(condition_of("euclid-vis"), 32, 2)
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(4, count, generator=random, dtype=torch.float64)
    theta = CENTRE[:count] + 0.4 * WIDTH[:count] * noise
    axis = optics.axis(theta)
    level, slopes = sky_and_slopes(theta, axis[None, :], axis[:, None])
    expected, forward = with_slopes(optics.sky, theta)
    unit = optics.condition.noise_level
    assert torch.allclose(level / unit, expected, rtol=1e-6)
    forward = forward.movedim(-1, 1)
    error = (slopes / unit - forward).abs().amax((0, 2, 3)) / forward.abs().amax((0, 2, 3))
    assert len(error) == count
    assert float(error.max()) < 1e-6


def test_derivatives_of_images_are_those_of_differences():
    """Behind PSF and pixels, in single precision, against central differences."""
    optics = Optics(condition_of("euclid-vis"), 32, 2)
    theta = a_lens(lens_e1=0.1, gamma_2=0.03, source_e2=0.1)
    _, slopes = optics.linearised(theta)
    for i, name in enumerate(NAMES):
        step = torch.zeros_like(theta)
        step[0, i] = 1e-5
        difference = optics.observe(optics.sky(theta + step) - optics.sky(theta - step)) / 2e-5
        scale = float(difference.abs().max())
        assert float((difference[0] - slopes[0, i]).abs().max()) < 1e-3 * scale, name


def test_the_best_of_five_blind_starts_ends_where_the_truth_leads(observed):
    """χ² of smooth lenses is that of noise, whatever the draw: 1 ± 0.1 a pixel."""
    samples = observed("euclid-vis", range(0, 24, 3))
    fit = fit_lenses(samples.images[:, 0], samples.condition, Fitting())
    reduced = fit.chi_squared / samples.images[0].numel()
    assert float(reduced.max()) < 1.1
    assert float(reduced.min()) > 0.9


def test_a_noise_free_lens_is_found_from_a_blind_start():
    """Einstein radius to a hundredth of a per cent."""
    optics = Optics(condition_of("euclid-vis"), 64, 1)
    truth = a_lens(lens_e1=0.1, lens_x=0.05, gamma_1=0.03)
    image = optics.images(truth)
    fit = least_squares(optics, image, blind_starts(optics, image, 1)[0], 25)
    assert float(fit.theta[0, 0]) == pytest.approx(0.2, abs=1e-3)
    assert float(fit.chi_squared) < 5


def test_stated_errors_reach_the_cramer_rao_bound(observed):
    """Of a lens without substructure, with every parameter of it free."""
    scenes = draw_scenes(Population(), "train", range(3), 0)
    samples = observed("euclid-vis", range(3))
    model, values = scene_model(scenes.parameters, 0, DRAWN, 0, 288, 0.025)
    information = fisher_information(model, values, samples.condition, 0.025, 6.4)
    bound = float(cramer_rao_bound(information)[0, 0].sqrt())
    predict = LensModel(LensModel.Options(calibrate=0)).fit(context_of(samples))
    answer = predict(samples.take(torch.tensor([0])))
    assert float(answer["sigma"]) == pytest.approx(bound, rel=0.1)
    assert abs(float(answer["mean"]) - scenes.parameters["theta_E"][0]) < 4 * bound


def context_of(samples, *names):
    from types import SimpleNamespace

    from lensbench import FitContext
    from lensbench.api.budget import BUDGETS

    task = SimpleNamespace(targets=names or ("theta_E",), sky=None, predicts="numbers")
    return FitContext(task, samples, samples, BUDGETS["smoke"], 0, lambda *_: None)


def test_a_kept_lens_model_answers_the_same(observed):
    """With the scatter that labelled samples showed, and means for what it does not know."""
    samples = observed("euclid-vis", range(3))
    unknown = torch.tensor([1.0, 2.0, 6.0])
    samples = type(samples)(
        **{**vars(samples), "targets": {**samples.targets, "redshift": unknown}}
    )
    fit = context_of(samples, "redshift", "theta_E")
    make = LensModel(LensModel.Options(starts="1", oversampling="1", calibrate=3))
    predict = make.fit(fit)
    answer = predict(samples)
    assert torch.allclose(answer["mean"][:, 0], torch.tensor(3.0))
    assert torch.allclose(answer["sigma"][:, 0], unknown.std(correction=0), rtol=0.3)
    again = make.restore(fit, predict.state())(samples)
    assert torch.equal(again["mean"], answer["mean"])
    assert torch.equal(again["sigma"], answer["sigma"])


@pytest.mark.parametrize("calibrate", [0, 3])
def test_an_image_without_a_lens_is_flagged(calibrate: int, observed):
    """It gets the mean of the training labels, which is no measurement."""
    samples = observed("euclid-vis", range(3))
    images = samples.images.clone()
    images[2] = torch.randn(images[2].shape, generator=torch.Generator().manual_seed(0))
    samples = type(samples)(**{**vars(samples), "images": images})
    options = LensModel.Options(starts="1", oversampling="1", calibrate=calibrate)
    predict = LensModel(options).fit(context_of(samples))
    answer = predict(samples)
    assert float(answer["mean"][2]) == pytest.approx(float(samples.targets["theta_E"].mean()))
    flags = predict.flags(samples, answer)
    assert flags[0] == ""
    assert flags[1].startswith("poor fit")  # a lens with subhaloes
    assert flags[2].startswith("no lens seen")


def test_extra_scatter_is_what_errors_lack():
    """√(total² − stated²) of many normal residuals; nothing where errors say all."""
    random = np.random.default_rng(0)
    sigma = torch.full((4000, 1), 0.3, dtype=torch.float64)
    wide = torch.from_numpy(random.normal(0, 0.5, (4000, 1)))
    assert float(extra_scatter(wide, sigma)) == pytest.approx(0.4, rel=0.06)
    narrow = torch.from_numpy(random.normal(0, 0.2, (4000, 1)))
    assert float(extra_scatter(narrow, sigma)) < 0.02


def test_the_light_of_lens_galaxies_is_noticed_and_fitted(observed):
    """Default lenses have none; one that outshines the ring is told from it."""
    samples = observed("euclid-vis", range(9))
    assert not shines(samples.images[:, 0], 0.101)
    optics = Optics(samples.condition, 64, 1)
    galaxy = torch.tensor([[21.0, -0.7, 1.2, 0.1, 0.0]], dtype=torch.float64)
    image = optics.images(torch.cat([a_lens(lens_e1=0.1), galaxy], 1))
    assert shines(image, 0.101)
    fit = fit_lenses(image, samples.condition, Fitting(2, 1, light=1))
    assert float(fit.theta[0, 0]) == pytest.approx(0.2, abs=0.01)


def test_a_bulge_and_a_disc_need_two_components():
    """Their flattening and their profiles differ. One profile leaves much; two leave noise."""
    condition = condition_of("hst-acs")
    light = [19.0, -1.2, 1.2, 0.05, 0.0, 19.0, 0.1, 0.0, -0.2, 0.2]
    theta = torch.cat([a_lens(), torch.tensor([light]).double()], 1)
    optics = Optics(condition, 128, 2)
    clean = optics.images(theta)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    images = clean + noise * optics.variance(clean).sqrt()
    one, two = (
        fit_lenses(images, condition, Fitting(3, 2, light=components)) for components in (1, 2)
    )
    pixels = images[0].numel()
    assert float(one.chi_squared) > 1.2 * pixels
    assert float(two.chi_squared) == pytest.approx(pixels, rel=0.05)
    error = float(two.covariance[0, 0, 0]) ** 0.5
    assert abs(float(two.theta[0, 0]) - 0.2) < 4 * error


def test_binned_images_keep_flux_and_noise():
    """An empty pixel scatters by one before and after; so does its photons' expectation."""
    condition = condition_of("hst-acs")
    random = torch.Generator().manual_seed(0)
    coarse, images = binned(condition, torch.randn(1, 128, 128, generator=random))
    assert coarse.pixel_scale == pytest.approx(0.1)
    assert float(images.std()) == pytest.approx(1.0, abs=0.03)
    assert coarse.sigma_electrons == pytest.approx(2 * condition.sigma_electrons)


def test_a_ring_radius_tells_the_einstein_radius(observed, context):
    """Better than the mean by a factor of three, with the error that it states; and is kept."""
    train, other = (
        observed("euclid-vis", range(48)),
        observed("euclid-vis", range(24), "validation"),
    )
    fit = context(train, "theta_E")
    predict = RingRadius().fit(fit)
    answer = predict(other)
    residual = answer["mean"][:, 0] - other.targets["theta_E"]
    assert float(residual.square().mean().sqrt()) < float(other.targets["theta_E"].std()) / 3
    assert 0.5 < float((residual / answer["sigma"][:, 0]).square().mean().sqrt()) < 2
    again = RingRadius().restore(fit, predict.state())(other)
    assert torch.equal(again["mean"], answer["mean"])
