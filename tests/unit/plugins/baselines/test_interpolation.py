"""Interpolation: places and levels are kept."""

import numpy as np
import pytest
import torch

from lensbench.errors import IncompatibleError
from lensbench.testing import made_samples
from lensbench_reference.baselines.interpolation import (
    Bicubic,
    Bilinear,
    Lanczos,
    Nearest,
    lanczos_matrix,
)

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
    assert (lanczos_matrix(20, 2).numpy() @ values)[2 * 9 + 1] == pytest.approx(expected)


def test_a_task_without_a_sky_is_refused(context):
    """The error names the baseline."""
    with pytest.raises(IncompatibleError, match="lanczos"):
        Lanczos().fit(context(made_samples(), "theta_E"))
