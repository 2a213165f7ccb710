"""A transformer that inverts a simple lens."""

import math

import pytest
import torch

from lensbench_reference.encoders.lensiformer import CrossBlock, Lensiformer, source_of


def blob(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """A Gaussian source of five pixels' width, off the axis."""
    return torch.exp(-((x - 6.0) ** 2 + (y + 4.0) ** 2) / (2 * 5.0**2))


def plane(height: int = 64, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64) - (height - 1) / 2,
        torch.arange(width, dtype=torch.float64) - (width - 1) / 2,
        indexing="ij",
    )
    return x, y


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_the_true_radius_gives_the_source_back(size):
    """Of an isothermal sphere, up to what is lost between pixels; a wrong radius does not."""
    x, y = plane(*size)
    radius = torch.hypot(x, y)
    image = blob(x * (1 - 11.0 / radius), y * (1 - 11.0 / radius))[None, None]
    source = source_of(image, torch.full((1, *size), 11.0, dtype=torch.float64))[0, 0]
    wrong = source_of(image, torch.full((1, *size), 8.0, dtype=torch.float64))[0, 0]
    seen = radius < 12
    assert float((source - blob(x, y))[seen].abs().max()) < 0.03
    assert float((wrong - blob(x, y))[seen].abs().max()) > 0.2


def test_what_lies_outside_the_image_is_dark():
    """The corner of a source plane would be seen beyond the corner of the image."""
    source = source_of(torch.ones(1, 2, 32, 32), torch.full((1, 32, 32), 10.0))
    assert not source[:, :, 0, 0].any()
    assert torch.allclose(source[:, :, 16, 16], torch.ones(1, 2))


def test_radii_are_learned():
    """They start within the image, and the features' gradient reaches the layer that gives them."""
    encoder = Lensiformer(Lensiformer.Options(width=32, depth=1), 1)
    images = torch.randn(2, 1, 32, 48)
    encoder(images).pooled.square().mean().backward()
    assert float(encoder.radius.weight.grad.abs().max()) > 0
    tokens = encoder.image_blocks(encoder._tokens(encoder.embed_image, images))
    radii = encoder._radii(tokens, 4, 6).detach()
    assert radii.shape == (2, 32, 48)
    assert 0 < float(radii.min()) < float(radii.max()) < 16


def test_tokens_attend_to_others_in_any_order():
    """The order of the others is of no consequence; what they are is."""
    block = CrossBlock(16, 2).requires_grad_(False)
    tokens, others = torch.randn(2, 3, 16), torch.randn(2, 5, 16)
    result = block(tokens, others)
    assert torch.allclose(block(tokens, others.flip(1)), result, atol=1e-6)
    assert not torch.allclose(block(tokens, torch.randn_like(others)), result, atol=1e-3)


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match=r"multiple of heads \(4\)"):
        Lensiformer.Options(width=30)


def test_sizes_that_are_no_multiple_of_a_patch_are_cut():
    """At the right and at the bottom, by less than a patch."""
    encoder = Lensiformer(Lensiformer.Options(width=32, depth=1), 1).eval()
    images = torch.randn(1, 1, 37, 44)
    with torch.no_grad():
        assert torch.equal(encoder(images).pooled, encoder(images[..., :32, :40]).pooled)
    assert math.prod(encoder(images).maps[0].shape[2:]) == 4 * 5
