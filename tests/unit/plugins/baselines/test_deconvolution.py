"""Richardson–Lucy and Wiener: adjoints, optimality, and better skies than interpolation gives."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lensbench import condition_of
from lensbench_reference.baselines.interpolation import Bicubic
from lensbench_reference.baselines.optics import SkyOperator
from lensbench_reference.baselines.richardson_lucy import RichardsonLucy, steps
from lensbench_reference.baselines.wiener import (
    Wiener,
    _ring,
    apply_weights,
    transfer_between,
    wiener_weights,
)

SKY = SimpleNamespace(upsample=2, reference="hst-acs")


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


def test_the_power_of_skies_is_that_of_the_sky_whatever_the_pixels(observed, context):
    """Measured under one sampling, it is what is measured under another, where both hold it."""
    fine, coarse = observed("hst-acs", range(12)), observed("euclid-vis", range(12))
    told = Wiener().fit(context(coarse, "sky")).spectrum(SkyOperator.of(fine, SKY))
    own = Wiener().fit(context(fine, "sky")).spectrum(SkyOperator.of(fine, SKY))
    assert torch.allclose(told[0, 1:12].log(), own[0, 1:12].log(), atol=0.3)


def test_richardson_lucy_raises_the_likelihood_of_the_photons(observed):
    """Each step is one of expectation and maximisation (Shepp & Vardi 1982)."""
    samples = observed("hst-acs", range(1))
    one, condition = SkyOperator.of(samples, SKY), samples.condition
    background = condition.sky_electrons + condition.read_electrons**2
    sharp = SkyOperator(condition, replace_psf(condition), one.size, 2)
    counts = samples.images * condition.sigma_electrons + background
    found = []
    for light in steps_of_light(samples, sharp):
        expected = one.image(light) * condition.sigma_electrons + background
        found.append(float((counts * torch.log(expected) - expected).double().sum()))
    assert found == sorted(found)


def replace_psf(condition):
    """A reference that does not blur, so that the answer is the light itself."""
    from dataclasses import replace

    return replace(condition, name="point", psf_fwhm=1e-6)


def steps_of_light(samples, sharp):
    """Light after 1, 2, 4, 8 and 16 iterations."""
    import lensbench_reference.baselines.richardson_lucy as module

    original = module.SkyOperator
    module.SkyOperator = SimpleNamespace(of=lambda *_: sharp)
    try:
        return list(steps(samples, SKY, (1, 2, 4, 8, 16)))
    finally:
        module.SkyOperator = original
