"""Richardson–Lucy and Wiener: adjoints, optimality, and better skies than interpolation gives."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensbench import Population, SkyTarget, condition_of, draw_scenes
from lensbench.sky.observation import expose, grid_of
from lensbench_reference.baselines.interpolation import Bicubic
from lensbench_reference.baselines.richardson_lucy import RichardsonLucy
from lensbench_reference.baselines.wiener import (
    Wiener,
    _ring,
    apply_weights,
    transfer_between,
    wiener_weights,
)
from lensbench_reference.deconvolution import (
    Memory,
    SkyOperator,
    deconvolved,
    richardson_lucy,
)

SKY = SkyTarget(2, "hst-acs")


def operator(condition, size):
    return SkyOperator(condition_of(condition), condition_of("hst-acs"), size, 2)


def error(answer, samples):
    """Mean logarithm of the mean squared error."""
    squared = (answer - samples.targets["sky"]).square().mean((1, 2, 3))
    return float(torch.log(squared).mean())


@pytest.mark.parametrize("condition", ["euclid-vis", "psf@3"])
def test_the_transpose_is_the_adjoint(condition):
    """⟨A u, v⟩ = ⟨u, Aᵀ v⟩."""
    random = torch.Generator().manual_seed(0)
    one = operator(condition, 16)
    u = torch.randn(1, 1, 32, 32, generator=random, dtype=torch.float64)
    v = torch.randn(1, 1, 16, 16, generator=random, dtype=torch.float64)
    assert float((one.image(u) * v).sum()) == pytest.approx(float((u * one.transpose(v)).sum()))


def test_the_operator_makes_what_the_harness_makes(observed):
    """A sky sampled finely, seen through it, is the harness's image but for sampling."""
    samples = observed("euclid-vis", range(2))
    one = SkyOperator.of(samples, SKY)
    through = transfer_between(one)
    sharp = samples.targets["sky"]
    blurred = torch.fft.ifft2(torch.fft.fft2(sharp) * through).real[..., ::2, ::2]
    residual = (samples.images - blurred) / (1 + blurred.clamp(min=0) / 100).sqrt()
    assert float(residual.square().mean()) < 1.3


def test_wiener_is_the_linear_least_squares_estimate():
    """C Aᵀ (A C Aᵀ + 1)⁻¹ of explicit matrices."""
    one, side = operator("euclid-vis", 6), 12
    power = torch.logspace(2, -2, 10)[_ring(side, 1.0, side)]
    identity = torch.eye(side**2).view(-1, 1, side, side)
    modes = torch.fft.fft2(identity)
    seen = torch.fft.ifft2(modes * transfer_between(one)).real[..., ::2, ::2]
    covariance = torch.fft.ifft2(modes * power).real.flatten(1).double()
    A = seen.flatten(1).T.double()
    expected = covariance @ A.T @ torch.linalg.inv(A @ covariance @ A.T + torch.eye(36))
    image = torch.randn(1, 1, 6, 6, generator=torch.Generator().manual_seed(1))
    ours = apply_weights(wiener_weights(one, power), image, 2).flatten()
    assert np.allclose(ours, expected @ image.flatten().double(), atol=1e-3)


@pytest.mark.parametrize("baseline", [RichardsonLucy, Wiener])
def test_skies_are_better_than_interpolated_ones(observed, context, baseline):
    """On lenses that the fit has not seen; a kept fit answers the same."""
    train, other = observed("euclid-vis", range(12)), observed("euclid-vis", range(6), "validation")
    fit = context(train, "sky", validation=train)
    predict = baseline().fit(fit)
    answer = predict(other)["sky"]
    assert error(answer, other) < error(Bicubic().fit(fit)(other)["sky"], other) - 0.2
    again = baseline().restore(fit, predict.state())
    assert torch.equal(again(other)["sky"], answer)


@pytest.mark.parametrize("baseline", [RichardsonLucy, Wiener])
def test_images_lose_their_noise(observed, context, catalogue, baseline):
    """Behind their own PSF, and by more than half of the squared error."""
    samples = observed("euclid-vis", range(12))
    seen = samples.condition
    exposed = expose(draw_scenes(Population(), "train", range(12), 0), seen, grid_of(seen, 6.4))
    clean = replace(samples, targets={"sky": exposed / seen.noise_level})
    fit = replace(context(clean, "sky"), task=catalogue.build("task", "denoising"))
    answer = baseline().fit(fit)(replace(clean, targets={}))["sky"]
    assert error(answer, clean) < error(samples.images, clean) - np.log(2)


def test_the_power_of_skies_is_that_of_the_sky_whatever_the_pixels(observed, context):
    """Measured under one sampling, it is what is measured under another, where both hold it."""
    fine, coarse = observed("hst-acs", range(12)), observed("euclid-vis", range(12))
    told = Wiener().fit(context(coarse, "sky")).spectrum(SkyOperator.of(fine, SKY))
    own = Wiener().fit(context(fine, "sky")).spectrum(SkyOperator.of(fine, SKY))
    assert torch.allclose(told[0, 1:12].log(), own[0, 1:12].log(), atol=0.3)


def replace_psf(condition):
    """A reference that does not blur, so that the answer is the light itself."""
    return replace(condition, name="point", psf_fwhm=1e-6)


def chi2(images, model, condition):
    """Mean squared residual (B,) over the variance of the noise, four σ held for the most."""
    variance = 1 + model.clamp(min=0) / condition.sigma_electrons
    return ((images - model) ** 2 / variance).clamp(max=16).mean((1, 2, 3))


@pytest.mark.parametrize("name", ["euclid-vis", "rubin-r"])
def test_each_image_stops_where_its_misfit_falls_to_the_level(observed, name):
    """It is just below, whatever the width of the PSF, and the same in any batch."""
    samples = observed(name, range(4))
    condition = samples.condition
    sharp = SkyOperator(condition, replace_psf(condition), samples.images.shape[-1], 2)
    light = richardson_lucy(samples.images, sharp, (1.5, 1.2))
    for level, part in zip((1.5, 1.2), light, strict=True):
        found = chi2(samples.images, sharp.image(part), condition)
        assert (found <= level).all()
        assert (found > 0.6 * level).all()
    alone = richardson_lucy(samples.images[2:3], sharp, (1.2,))
    assert torch.allclose(alone[0], light[1, 2:3], rtol=1e-3, atol=1e-3)


def test_a_lower_level_has_the_greater_likelihood_of_the_photons(observed):
    """Each step is one of expectation and maximisation (Shepp & Vardi 1982), light never < 0."""
    samples = observed("hst-acs", range(1))
    condition = samples.condition
    background = condition.sky_electrons + condition.read_electrons**2
    sharp = SkyOperator(condition, replace_psf(condition), samples.images.shape[-1], 2)
    counts = samples.images * condition.sigma_electrons + background
    found = []
    for light in richardson_lucy(samples.images, sharp, (1.1, 1.0, 0.95, 0.9)):
        assert light.min() > -1e-3
        expected = sharp.image(light) * condition.sigma_electrons + background
        found.append(float((counts * torch.log(expected) - expected).double().sum()))
    assert found == sorted(found)


def test_one_level_does_for_every_condition(observed):
    """Deconvolved without a fit, skies are better than interpolated ones under each."""
    for name in ("euclid-vis", "rubin-r", "des-r"):
        samples = observed(name, range(8))
        bicubic = torch.nn.functional.interpolate(samples.images, scale_factor=2, mode="bicubic")
        assert error(deconvolved(samples, SKY), samples) < error(bicubic, samples) - 0.8


def test_an_image_of_any_shape_is_deconvolved(observed):
    """Of what is repeated to a square, the answer covers the image's own field."""
    samples = observed("euclid-vis", range(2))
    part = replace(samples, images=samples.images[..., 8:56, :])
    answer = deconvolved(part, SKY)
    assert answer.shape == (2, 1, 96, 128)
    wanted = samples.targets["sky"][..., 16:112, :]
    bicubic = torch.nn.functional.interpolate(part.images, scale_factor=2, mode="bicubic")
    assert (answer - wanted).square().mean() < 0.5 * (bicubic - wanted).square().mean()


@pytest.mark.parametrize("condition", ["euclid-vis", "rubin-r", "des-r", "psf@2"])
def test_answers_have_the_same_bits_whatever_is_beside_an_image(observed, condition):
    """So those of an earlier batch can be taken again, and a training can be resumed."""
    samples = observed(condition, range(6))
    together = richardson_lucy(samples.images, SkyOperator.of(samples, SKY))[0]
    for order in ([3], [5, 0, 3], [1, 3, 3, 2]):
        part = samples.take(torch.tensor(order))
        alone = richardson_lucy(part.images, SkyOperator.of(part, SKY))[0]
        assert torch.equal(alone, together[order])
        assert torch.equal(deconvolved(part, SKY), alone)


def test_kept_answers_are_not_made_again_and_the_oldest_go():
    """Each key is asked for once as long as there is room; a batch may be larger than that."""
    asked, memory = [], Memory(most=3 * 16)

    def answers(*keys):
        def make(places):
            asked.append([keys[place] for place in places])
            return [torch.full((4,), float(keys[place])) for place in places]

        return [int(answer[0]) for answer in memory.all_of(keys, make)]

    assert answers(1, 2, 2, 1) == [1, 2, 2, 1]
    assert answers(3, 1) == [3, 1]
    assert answers(1, 2, 3) == [1, 2, 3]
    assert answers(4, 1) == [4, 1]  # 2 was the last to be asked for
    assert answers(2, 1) == [2, 1]
    assert answers(5, 6, 7, 8) == [5, 6, 7, 8] and len(memory) == 3
    assert asked == [[1, 2], [3], [4], [2], [5, 6, 7, 8]]
