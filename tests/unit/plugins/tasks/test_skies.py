"""Skies: residuals in units of the noise, and denoising."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench import (
    Features,
    FeatureShape,
    FitContext,
    Population,
    UndefinedError,
    condition_of,
    draw_scenes,
)
from lensbench.api.budget import BUDGETS
from lensbench.sky.observation import add_noise, expose, grid_of
from lensbench.sky.seeing import widths_of
from lensbench.testing import made_samples
from lensbench_reference.baselines.interpolation import Bicubic, Lanczos
from lensbench_reference.baselines.richardson_lucy import RichardsonLucy
from lensbench_reference.baselines.wiener import Wiener
from lensbench_reference.deconvolution import deconvolved
from lensbench_reference.tasks.denoising import Denoising
from lensbench_reference.tasks.superres import SuperResolution


def residual_chi2(predictions, samples):
    return next(m for m in Denoising.metrics if m.name == "residual_chi2").compute(
        predictions, samples
    )


@pytest.mark.parametrize("name", ["euclid-vis", "hst-acs"])
def test_an_answer_as_noisy_as_the_input_has_a_chi_squared_of_one(name):
    """The noisy image itself against its noise-free one, source photons and all."""
    condition = condition_of(name)
    scenes = draw_scenes(Population(), "test", range(3), 0)
    clean = expose(scenes, condition, grid_of(condition, 6.4))
    noisy = add_noise(clean, condition, scenes.ids, 0)
    samples = replace(
        made_samples(3), condition=condition, targets={"sky": clean / condition.noise_level}
    )
    found = residual_chi2({"sky": noisy.numpy()}, samples)
    assert found == pytest.approx(np.ones(3), abs=0.06)
    assert residual_chi2({"sky": samples.targets["sky"].numpy()}, samples) == pytest.approx(0)


def test_denoising_begins_closer_to_the_truth_than_the_image():
    """A head that was not trained answers the deconvolved sky, blurred by the same PSF again."""
    condition = condition_of("euclid-vis")
    scenes = draw_scenes(Population(), "train", range(3), 0)
    clean = expose(scenes, condition, grid_of(condition, 6.4))
    images = add_noise(clean, condition, scenes.ids, 0).float()
    samples = replace(made_samples(3), condition=condition, images=images)
    head = Denoising().head(FeatureShape(6, ((6, 8),), channels=1), {})
    output = head(Features(torch.randn(3, 6), (torch.randn(3, 6, 8, 8),)), samples)
    truth = clean / condition.noise_level
    assert (output - truth).square().mean() < 0.6 * (images - truth).square().mean()


TASK = SuperResolution(SuperResolution.Options())


def observed(name, count=4, sky=TASK.sky):
    """Samples of lenses under a condition, with the sky behind the reference's PSF."""
    condition = condition_of(name)
    scenes = draw_scenes(Population(), "test", range(count), 0)
    clean = expose(scenes, condition, grid_of(condition, 6.4))
    sharp = expose(scenes, condition_of("hst-acs"), grid_of(condition, 6.4, sky))
    theta_E = torch.from_numpy(scenes.targets["theta_E"]).float()
    return replace(
        made_samples(count),
        condition=condition,
        psf_fwhm=widths_of(condition, scenes.ids),
        images=add_noise(clean, condition, scenes.ids, 0).float(),
        targets={"sky": (sharp / condition.noise_level).float(), "theta_E": theta_E},
    )


def found(name, sky, samples):
    metric = next(m for m in TASK.metrics if m.name == name)
    return metric.compute({"sky": sky.numpy()}, samples)


@pytest.mark.parametrize("name", ["euclid-vis", "rubin-r", "psf@5"])
def test_the_truth_seen_again_differs_from_the_image_by_its_noise(name):
    """χ² of one, under the reference's own PSF and under far wider ones."""
    samples = observed(name)
    truth = samples.targets["sky"]
    assert found("image_chi2", truth, samples) == pytest.approx(np.ones(4), abs=0.12)
    assert (found("image_chi2", 1.5 * truth, samples) > 1.3).all()


def test_a_truth_that_noise_was_added_to_contradicts_the_image():
    """The answer has to be seen through the condition: averaging hides less than it adds."""
    samples = observed("euclid-vis")
    noise = torch.randn(samples.targets["sky"].shape, generator=torch.Generator().manual_seed(0))
    noisy = samples.targets["sky"] + 6 * noise
    assert (found("image_chi2", noisy, samples) > 1.2).all()


def test_power_and_correlation_tell_too_smooth_from_wrong():
    """Half the amplitude has a quarter of the power, all correlated; turned about it has none."""
    samples = observed("euclid-vis")
    truth = samples.targets["sky"]
    assert found("power_ratio_0.2", truth / 2, samples) == pytest.approx(0.25)
    assert found("correlation_0.2", truth / 2, samples) == pytest.approx(1.0)
    turned = truth.flip(3)
    assert (found("correlation_0.4", turned, samples) < 0.5).all()


def test_arcs_that_are_moved_and_dimmed_show_by_how_much():
    """A pixel to the side is a pixel's offset; a sky that is zoomed has a larger radius."""
    samples = observed("euclid-vis")
    truth, pixel = samples.targets["sky"], TASK.sky.pixel_scale
    assert found("arc_flux", 0.9 * truth, samples) == pytest.approx(-0.1)
    assert found("arc_offset", truth, samples) == pytest.approx(0.0)
    moved = truth.roll(1, 3)
    assert found("arc_offset", moved, samples).max() < 1.2 * pixel
    assert found("arc_offset", moved, samples).min() > 0.2 * pixel
    zoomed = torch.nn.functional.interpolate(truth, scale_factor=1.1, mode="bilinear")
    cut = (zoomed.shape[-1] - truth.shape[-1]) // 2
    zoomed = zoomed[..., cut : cut + truth.shape[-1], cut : cut + truth.shape[-1]]
    assert (found("arc_radius", zoomed, samples) > 0.3 * pixel).all()


def test_a_condition_that_is_sharper_than_the_target_asks_for_nothing():
    """Every metric is undefined, and says whose PSF the target has."""
    samples = observed("jwst-nircam-f150w", 1)
    for metric in TASK.metrics:
        with pytest.raises(UndefinedError, match=r"sharper than the target.*hst-acs"):
            metric.compute({"sky": samples.targets["sky"].numpy()}, samples)


def test_a_condition_with_finer_pixels_than_the_target_asks_for_nothing():
    """Drizzled images of the reference's own camera have its PSF in pixels of 0.03 arcsec."""
    samples = observed("hst-acs-drizzled", 1)
    for metric in TASK.metrics:
        with pytest.raises(UndefinedError, match=r"pixels of 0.03 arcsec, finer.*0.05"):
            metric.compute({"sky": samples.targets["sky"].numpy()}, samples)


def test_pixels_that_are_too_coarse_for_a_wavelength_leave_it_undefined():
    """A target with pixels of 0.1 arcsec holds no wavelength of 0.14."""
    coarse = SuperResolution(SuperResolution.Options(pixel_scale=0.1))
    samples = observed("rubin-r", 1, coarse.sky)
    metric = next(m for m in coarse.metrics if m.name == "power_ratio_0.2")
    with pytest.raises(UndefinedError, match="hold no wavelength"):
        metric.compute({"sky": samples.targets["sky"].numpy()}, samples)


def test_the_target_is_the_same_under_every_condition():
    """The same sky in the same pixels, and an answer that is as wrong has the same score."""
    skies, scores = [], []
    for name in ("euclid-vis", "rubin-r", "des-i", "hsc-i", "euclid-nisp-h"):
        samples = observed(name, 2)
        level = samples.condition.noise_level
        full = replace(samples, data_range=20 / level)
        sky = samples.targets["sky"]
        assert sky.shape[-2:] == (120, 120)
        skies.append(sky * level)
        scores.append(found("psnr", 0.9 * sky, full))
    for sky, score in zip(skies[1:], scores[1:], strict=True):
        assert torch.allclose(sky, skies[0], rtol=1e-5, atol=1e-5 * float(skies[0].max()))
        assert score == pytest.approx(scores[0], abs=1e-3)


def test_methods_answer_in_pixels_that_divide_none_of_the_image():
    """Under five pixel scales: all of the right shape, deconvolution ahead of interpolation."""
    for name in ("euclid-vis", "roman-f158", "hsc-i", "rubin-r", "des-i"):
        samples = observed(name)
        context = FitContext(TASK, samples, samples, BUDGETS["smoke"], 0, lambda progress: None)
        blind = replace(samples, targets={})
        psnr = {}
        for baseline in (Bicubic, Lanczos, Wiener, RichardsonLucy):
            sky = baseline().fit(context)(blind)["sky"]
            assert sky.shape == samples.targets["sky"].shape
            psnr[baseline] = found("psnr", sky, samples).mean()
        assert psnr[Wiener] > psnr[Bicubic] + 0.3
        assert psnr[RichardsonLucy] > psnr[Wiener] + 0.3


def test_an_untrained_head_answers_the_deconvolution_under_every_condition():
    """Maps of any number of places reach the residual."""
    head = TASK.head(FeatureShape(6, ((6, 8),), channels=1), {})
    for name in ("euclid-vis", "des-i"):
        samples = observed(name, 2)
        side = samples.images.shape[-1] // 8
        maps = torch.randn(2, 6, side, side)
        output = head(Features(torch.randn(2, 6), (maps,)), samples)
        assert torch.allclose(output, deconvolved(samples, TASK.sky), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("baseline", [Bicubic, Wiener, RichardsonLucy])
def test_images_of_several_pixel_scales_are_answered_each_at_its_own(baseline):
    """Together as apart, in pixels of the target, which are the same for all."""
    samples = replace(observed("euclid-vis", 3), psf_fwhm=None)
    context = FitContext(TASK, samples, samples, BUDGETS["smoke"], 0, lambda progress: None)
    predict = baseline().fit(context)
    scales = torch.tensor([0.08, 0.101, 0.08], dtype=torch.float64)
    together = predict(replace(samples, targets={}, pixel_scale=scales))["sky"]
    for index, scale in enumerate(scales.tolist()):
        one = samples.take(torch.tensor([index]))
        alone = predict(replace(one, targets={}, condition=one.condition.on_pixels(scale)))["sky"]
        assert torch.allclose(together[index : index + 1], alone, rtol=1e-3, atol=1e-3)
