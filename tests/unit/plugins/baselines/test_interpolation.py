"""Interpolation: places and levels are kept."""

import numpy as np
import pytest
import torch

from lensbench.errors import IncompatibleError
from lensbench.testing import made_samples
from lensbench_reference.baselines.interpolation import Bicubic, Bilinear, Lanczos, Nearest
from lensbench_reference.sampling import resized, sampling_matrix

ALL = [Nearest, Bilinear, Bicubic, Lanczos]


def with_images(images):
    samples = made_samples(count=len(images), size=images.shape[-1])
    return type(samples)(**{**vars(samples), "images": images})


@pytest.mark.parametrize("baseline", ALL)
def test_a_level_stays(context, baseline):
    """A constant image is the same constant everywhere, borders too."""
    samples = with_images(torch.full((1, 2, 16, 16), 3.5))
    sky = baseline().fit(context(samples, "sky"))(samples)["sky"]
    assert sky.shape == (1, 2, 32, 32)
    assert torch.allclose(sky, torch.tensor(3.5))


@pytest.mark.parametrize("baseline", ALL[1:])
def test_pixel_centres_are_kept(context, baseline):
    """A ramp goes on as the same ramp: fine pixel j is at (j + ½)/2 − ½ coarse ones."""
    ramp = torch.arange(24.0).expand(1, 1, 24, 24)
    sky = baseline().fit(context(with_images(ramp), "sky"))(with_images(ramp))["sky"]
    place = (torch.arange(48) + 0.5) / 2 - 0.5
    # Bilinear alone is exact: Lanczos ripples, and torch's bicubic (a = −3/4) is off by 3/64.
    assert torch.allclose(sky[0, 0, 20, 8:-8], place[8:-8], atol=0.05)


@pytest.mark.parametrize("baseline", ALL)
def test_a_mirrored_image_gives_the_mirrored_sky(context, baseline):
    """There is no shift."""
    images = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    predict = baseline().fit(context(with_images(images), "sky"))
    turned = predict(with_images(images.flip(-1, -2)))["sky"].flip(-1, -2)
    assert torch.allclose(predict(with_images(images))["sky"], turned, atol=1e-5)


def test_lanczos_is_its_sum():
    """Σ f_i sinc(x − i) sinc((x − i)/3), over the six nearest pixels and their weights' sum."""
    values = np.random.default_rng(0).normal(size=20)
    x = (2 * 9 + 1 + 0.5) / 2 - 0.5
    near = np.arange(np.floor(x) - 2, np.floor(x) + 4).astype(int)
    weight = np.sinc(x - near) * np.sinc((x - near) / 3)
    expected = (weight * values[near]).sum() / weight.sum()
    matrix = sampling_matrix("lanczos", 20, 40, 0.5).numpy()
    assert (matrix @ values)[2 * 9 + 1] == pytest.approx(expected)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_interpolation_agrees_with_torch(kernel):
    """Borders included, where the new pixels divide the old ones."""
    images = torch.randn(2, 1, 12, 16, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.interpolate(images, scale_factor=3, mode=kernel)
    assert torch.allclose(resized(images, 0.3, 0.1, (36, 48), kernel), expected, atol=1e-5)


@pytest.mark.parametrize("kernel", ["nearest", "bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("scale", [0.101, 0.168, 0.263])
def test_places_on_the_sky_are_kept_on_any_grid(kernel, scale):
    """A ramp over the sky [arcsec] is the same ramp in pixels that divide none of the old ones."""
    axis = (torch.arange(40, dtype=torch.float64) - 19.5) * scale
    ramp = axis.expand(1, 1, 40, 40)
    new = resized(ramp, scale, 0.05, (60, 60), kernel)[0, 0, 30]
    expected = (torch.arange(60, dtype=torch.float64) - 29.5) * 0.05
    allowed = scale / 2 if kernel == "nearest" else 0.06 * scale
    assert torch.allclose(new, expected, atol=allowed + 1e-9)


def test_a_task_without_a_sky_is_refused(context):
    """The error names the baseline."""
    with pytest.raises(IncompatibleError, match="lanczos"):
        Lanczos().fit(context(made_samples(), "theta_E"))
