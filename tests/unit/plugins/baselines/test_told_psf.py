"""Methods that are told a PSF which did not make the image."""

from dataclasses import replace

import pytest
import torch

from lensbench import Samples, SkyTarget, condition_of
from lensbench.sky.seeing import seen_at
from lensbench_reference.baselines.richardson_lucy import RichardsonLucy
from lensbench_reference.baselines.wiener import Wiener
from lensbench_reference.deconvolution import SkyOperator, richardson_lucy
from lensbench_reference.lens_fitting.lens_fit import Optics
from lensbench_reference.lens_fitting.lens_images import Fitting, fit_lenses

SKY = SkyTarget(2, "hst-acs")


def error(answer: torch.Tensor, samples: Samples) -> float:
    """Mean logarithm of the mean squared error."""
    squared = (answer - samples.targets["sky"]).square().mean((1, 2, 3))
    return float(torch.log(squared).mean())


@pytest.mark.parametrize("baseline", [RichardsonLucy, Wiener])
def test_skies_get_worse_with_the_error_of_the_psf(observed, context, baseline):
    """The more so the larger it is. The scenes and their noise are the same."""
    train, other = observed("euclid-vis", range(6)), observed("euclid-vis", range(4), "validation")
    predict = baseline().fit(context(train, "sky", validation=train))
    found = [error(predict(other)["sky"], other)]
    for grade in (3, 4, 5):
        wrong = condition_of(f"psf-error@{grade}")
        told = replace(other.condition, psf_error=wrong.psf_error, psf_error_e1=wrong.psf_error_e1)
        found.append(error(predict(replace(other, condition=told))["sky"], other))
    assert found == sorted(found)
    assert found[3] > found[0] + 0.15


def test_a_lens_model_fits_worse_with_the_error_of_the_psf():
    """Two bright lenses without noise: next to nothing is left where the truth is told."""
    condition = condition_of("euclid-vis")
    lenses = torch.tensor(
        [
            [0.2, 0.1, 0.05, 0.02, -0.03, 0.03, -0.02, 22.0, -1.6, 0.1, 0.1, 0.05, 0.1, 0.05],
            [0.0, -0.1, 0.05, 0.0, 0.02, 0.0, 0.04, 21.5, -1.4, 0.0, 0.0, 0.1, -0.12, 0.1],
        ],
        dtype=torch.float64,
    )
    images = Optics(condition, 64, 1).images(lenses)
    found = []
    for width in (0.0, 0.1, 0.4):
        told = replace(condition, psf_error=width, psf_error_e1=width / 4)
        fit = fit_lenses(images, told, Fitting(1, 1))
        found.append(float(fit.chi_squared.sum()))
    assert found[0] < 20
    assert 2 * found[0] < found[1] < found[2]


def test_each_image_is_deconvolved_with_its_own_seeing(observed):
    """In a batch as alone, and better than with the condition's median."""
    samples = observed("kids-r", range(6))
    whole = SkyOperator.of(samples, SKY)
    assert whole.seen == seen_at(samples.condition, samples.ids)
    together = richardson_lucy(samples.images, whole, (1.0,))[0]
    one = samples.take(torch.tensor([3]))
    alone = richardson_lucy(one.images, SkyOperator.of(one, SKY), (1.0,))[0]
    assert torch.allclose(together[3:4], alone, rtol=1e-2, atol=1e-2 * float(alone.max()))
    median = replace(samples, psf_fwhm=None)
    told = richardson_lucy(samples.images, SkyOperator.of(median, SKY), (1.0,))[0]
    assert error(together, samples) < error(told, samples)


def test_each_image_is_deconvolved_with_the_psf_of_its_file(observed):
    """Two PSF images in one batch: each sky is blurred by its own."""
    samples = observed("euclid-vis", range(2))
    axis = torch.arange(21) - 10.0
    psf = torch.stack([torch.exp(-(axis[:, None] ** 2 + axis**2) / 2 / s**2) for s in (1.0, 3.0)])
    given = replace(samples, psf=psf, psf_fwhm=None)
    operator = SkyOperator.of(given, SKY)
    point = torch.zeros(2, 1, 2 * operator.size, 2 * operator.size)
    point[..., operator.size, operator.size] = 1.0
    sharp, wide = operator.image(point)[:, 0]
    assert sharp.max() > 4 * wide.max()
    for index, image in enumerate((sharp, wide)):
        alone = operator.one(index).image(point[:1])[0, 0]
        assert torch.allclose(image, alone, atol=1e-5 * float(alone.max()))
    first = given.take(torch.tensor([1])).conditions[0].psf_image
    assert first is not None
    assert first.values == pytest.approx((psf[1] / psf[1].sum()).numpy(), abs=1e-6)
