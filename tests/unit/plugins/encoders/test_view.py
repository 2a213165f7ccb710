"""The view: one piece of sky at one scale, whatever the condition."""

import pytest
import torch

from lensbench import condition_of, encode, stretch, unstretch
from lensbench.api.samples import Samples
from lensbench.training.view import SkyView
from lensbench_reference.encoders.vit import VisionTransformer
from lensbench_reference.encoders.vit_options import VisionTransformerOptions as Options


def vector(scale):
    return torch.tensor([scale, 0.2, 0.1]).log10()


def ring(side, scale, radius=1.2):
    """Surface brightness of a ring of this radius [arcsec], an arc brighter, (1, 1, side, side)."""
    x = (torch.arange(side) - (side - 1) / 2) * scale
    r = torch.hypot(x[:, None], x[None])
    return (100 * torch.exp(-(((r - radius) / 0.5) ** 2)) * (1 + 0.5 * (x > 0)))[None, None]


def test_what_has_the_scale_already_is_left_alone():
    """Bit for bit but for the stretch's rounding."""
    images = stretch(torch.randn(2, 3, 64, 64))
    assert torch.allclose(SkyView(0.1, 6.4)(images, vector(0.1)), images, atol=1e-5)
    assert SkyView(0.1, 6.4)(images, None) is images


@pytest.mark.parametrize(("side", "scale"), [(128, 0.05), (80, 0.08), (40, 0.16), (32, 0.2)])
def test_a_ring_looks_the_same_under_every_sampling(side, scale):
    """Of the same surface brightness over the noise of the same depth."""
    view = SkyView(0.1, 6.4)
    images = ring(side, scale) * scale / 0.1  # σ of a pixel grows with its side, flux with its area
    seen = unstretch(view(stretch(images), vector(scale)))
    assert seen.shape == (1, 1, 64, 64)
    assert (seen - ring(64, 0.1)).abs().max() < 0.12 * seen.max()
    assert torch.isclose(seen.sum(), ring(64, 0.1).sum(), rtol=0.01)


def test_noise_of_finer_pixels_is_averaged():
    """White pixels of half the side are averaged by a triangle, four of which overlap."""
    noise = torch.randn(4, 1, 128, 128)
    seen = unstretch(SkyView(0.1, 6.4)(stretch(noise), vector(0.05)))
    weights = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    assert float(seen[..., 2:-2, 2:-2].std()) == pytest.approx(
        2 * float(weights @ weights), abs=0.02
    )


def test_beyond_the_image_the_sky_is_empty():
    """And a larger field is cut."""
    view = SkyView(0.1, 6.4)
    small = view(torch.ones(1, 1, 32, 32), vector(0.1))
    assert torch.equal(small != 0, torch.nn.functional.pad(torch.ones(1, 1, 32, 32), (16,) * 4) > 0)
    large = torch.zeros(1, 1, 96, 96)
    large[..., 47:49, 47:49] = 5.0
    seen = view(large, vector(0.1))
    assert torch.allclose(seen[..., 31:33, 31:33], torch.tensor(5.0), atol=1e-4)


def test_each_image_may_have_a_scale_of_its_own():
    """As many vectors as images."""
    view, images = SkyView(0.1, 6.4), torch.randn(2, 1, 32, 32)
    each = view(images, torch.stack([vector(0.2), vector(0.1)]))
    assert torch.allclose(each[:1], view(images[:1], vector(0.2)), atol=1e-5)
    assert torch.allclose(each[1:], view(images[1:], vector(0.1)), atol=1e-5)


@pytest.mark.parametrize(("side", "scale"), [(64, 0.1), (24, 0.3), (40, 0.168), (128, 0.05)])
def test_maps_lie_over_the_image_that_was_seen(side, scale):
    """What shines in one corner of the image shines there in the map that comes back."""
    maps = torch.zeros(1, 1, 8, 8)
    maps[..., 5, 6] = 1.0  # 1.2″ below the centre, 2″ to the right
    back = SkyView(0.1, 6.4).back(maps, (side, side), vector(scale))
    assert back.shape == (1, 1, 8, 8)
    place = (torch.arange(8) - 3.5) * side * scale / 8
    weight = back[0, 0] / back.sum()
    assert float(weight.sum(1) @ place) == pytest.approx(1.2, abs=0.1)
    assert float(weight.sum(0) @ place) == pytest.approx(2.0, abs=0.1)


def test_features_of_a_ring_hardly_change_with_the_sampling():
    """Unlike those of an encoder that takes pixels as they come."""
    one, other = condition_of("euclid-vis"), condition_of("custom:base=euclid-vis,pixel_scale=0.05")
    images = {one: ring(64, 0.1), other: ring(128, 0.05) / 2}

    def change(pixel):
        torch.manual_seed(0)
        encoder = VisionTransformer(Options(size="micro", pixel=pixel), 1).eval()
        with torch.no_grad():
            a, b = (
                encode(encoder, Samples(("s",), image, {}, {}, condition, 1.0)).pooled
                for condition, image in images.items()
            )
        return float((a - b).norm() / a.norm())

    assert change(0.1) < 0.1 < change(0)
